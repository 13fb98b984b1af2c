import secp256k1 from 'secp256k1'
import { hashTypedData } from 'viem/utils'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { z } from 'zod'
import { hexToBytes } from '../../../sdk/protocol/bytes.ts'
import { cancelBundleTypes } from '../../../sdk/protocol/bundle.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { tandemDomain } from '../../../sdk/protocol/feeds.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { decodeFeedUpdate, encodeReceipt } from '../../../sdk/protocol/wire.ts'
import type { SequencerPort } from '../port.ts'
import { bundleShape, callBundleShape, decodeBundle, type ChainRules } from './bundle-request.ts'
import { method, type RpcMethod, type RpcMethods } from './json-rpc.ts'
import { previewJson } from './preview-json.ts'
import { addressShape, decimalShape, hashShape, signatureShape } from './shapes.ts'
import { statusJson } from './status.ts'

/** A method of another part that takes one parameter: the risk signer's, for example. */
export type GuestMethods = Readonly<
  Record<string, { schema: z.ZodType; handle: (parameter: unknown) => Promise<unknown> }>
>

const markShape = z.strictObject({
  expiryS: z.int().min(0),
  forward8: decimalShape,
  rate6: z.int(),
  a9: decimalShape,
  b9: decimalShape,
  rho9: decimalShape,
  m9: decimalShape,
  s9: decimalShape,
  tauS: z.int().min(0),
  confidence4: z.int().min(0),
})

const marksShape = z.strictObject({
  update: z.strictObject({
    underlying: z.int().min(1).max(65_535),
    sequence: decimalShape,
    timestampMs: z.int().min(0),
    spot8: decimalShape,
    spotConfidence4: z.int().min(0),
    stable8: decimalShape,
    expiries: z.array(markShape).max(LIMITS.feedExpiries),
  }),
  signatures: z.array(signatureShape).min(1).max(LIMITS.feedSignatures),
})

const cancelShape = z.strictObject({
  replacementUuid: z.uuid(),
  sender: addressShape,
  signature: signatureShape,
})

/** What the methods of `/` work with. */
export type SequencerMethodsOptions = {
  sequencer: SequencerPort
  logId: Hash
  chains: ChainRules
  guests: GuestMethods
}

/** Makes the methods of the sequencer itself. */
export function sequencerMethods(options: SequencerMethodsOptions): RpcMethods {
  const { sequencer, logId, chains, guests } = options
  const own: [string, RpcMethod][] = [
    [
      'eth_sendBundle',
      method(
        z.tuple([bundleShape]),
        async ([request]) => {
          const receipt = await sequencer.sendBundle(decodeBundle(request, chains))
          return {
            bundleHash: receipt.preconfirmation.entryId,
            receipt: encodeReceipt(receipt),
          }
        },
        { signed: true },
      ),
    ],
    [
      'eth_callBundle',
      method(z.tuple([callBundleShape]), async ([request]) => {
        // Whatever block it names, it is tried on the one to come: its state is the only one there is.
        const { stateBlockNumber: _state, timestamp: _time, blockNumber: _block, ...rest } = request
        return previewJson(await sequencer.callBundle(decodeBundle(rest, chains)), chains)
      }),
    ],
    [
      'eth_cancelBundle',
      method(
        z.tuple([cancelShape]),
        async ([{ replacementUuid, sender, signature }]) => {
          checkCancel(logId, { replacementUuid, sender }, signature)
          return { bundleHash: await sequencer.cancelBundle({ sender, replacementUuid }) }
        },
        { signed: true },
      ),
    ],
    [
      'tandem_getReceipt',
      method(z.tuple([hashShape]), async ([entryId]) => {
        const receipt = await sequencer.receiptOf(entryId)
        return receipt === undefined ? null : encodeReceipt(receipt)
      }),
    ],
    [
      'tandem_publishMarks',
      method(
        z.tuple([marksShape]),
        async ([marks]) => ({
          receipt: encodeReceipt(await sequencer.publishMarks(decodeFeedUpdate(marks))),
        }),
        { signed: true },
      ),
    ],
    ['tandem_status', method(z.tuple([]), () => statusJson(sequencer.status()))],
  ]
  const foreign = Object.entries(guests).map(([name, { schema, handle }]): [string, RpcMethod] => [
    name,
    method(z.tuple([schema]), ([parameter]) => handle(parameter)),
  ])
  return new Map([...own, ...foreign])
}

function checkCancel(
  logId: Hash,
  message: { replacementUuid: string; sender: Address },
  signature: Hex,
): void {
  const digest = hashTypedData({
    domain: tandemDomain(logId),
    types: cancelBundleTypes,
    primaryType: 'CancelBundle',
    message,
  })
  const actual = recoverAddress(digest, signature) ?? 'nobody'
  if (actual === message.sender) return
  throw new TandemError('BAD_SIGNATURE', {
    what: 'cancellation',
    actual,
    expected: message.sender,
  })
}

/** Address that signed a digest; undefined when the signature belongs to no key. */
function recoverAddress(digest: Hash, signature: Hex): Address | undefined {
  const bytes = hexToBytes(signature)
  const parity = (bytes[64] as number) % 27
  if (parity > 1) return undefined
  try {
    const key = secp256k1.ecdsaRecover(bytes.subarray(0, 64), parity, hexToBytes(digest), false)
    return `0x${keccak256(key.subarray(1)).slice(26)}`
  } catch {
    // The library has no more to say than that no key fits.
    return undefined
  }
}
