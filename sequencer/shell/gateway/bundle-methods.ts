import { hashTypedData } from 'viem/utils'
import { z } from 'zod'
import { concatBytes, hexToBytes } from '../../../sdk/protocol/bytes.ts'
import { cancelBundleTypes } from '../../../sdk/protocol/bundle.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { tandemDomain } from '../../../sdk/protocol/feeds.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { encodeReceipt } from '../../../sdk/protocol/wire.ts'
import type { DecodedBundle, SequencerPort } from '../port.ts'
import { recoverSigner } from '../signing.ts'
import {
  bundleShape,
  callBundleShape,
  decodeBundle,
  isFlashbotsShaped,
  type ChainRules,
} from './bundle-request.ts'
import { method, type RpcMethods, type RpcOrigin } from './json-rpc.ts'
import { previewJson } from './preview-json.ts'
import { addressShape, signatureShape } from './shapes.ts'

const cancelShape = z.union([
  z.strictObject({
    replacementUuid: z.uuid(),
    sender: addressShape,
    signature: signatureShape,
  }),
  z.strictObject({ replacementUuid: z.uuid() }),
])

/** What the methods for bundles work with. */
export type BundleMethodsOptions = { sequencer: SequencerPort; logId: Hash; chains: ChainRules }

/**
 * Makes `eth_sendBundle`, `eth_callBundle` and `eth_cancelBundle`. A bundle whose legs are bare texts,
 * as Flashbots' clients send them, is answered as these expect it: with the hash that they compute, and
 * at once while it waits for its block or time.
 */
export function bundleMethods({ sequencer, logId, chains }: BundleMethodsOptions): RpcMethods {
  const decode = (request: Parameters<typeof decodeBundle>[0], { signer }: RpcOrigin) => ({
    ...decodeBundle(request, chains),
    ...(signer === undefined ? {} : { owner: signer() }),
  })
  return new Map([
    [
      'eth_sendBundle',
      method(
        z.tuple([bundleShape]),
        async ([request], origin) => {
          const bundle = decode(request, origin)
          if (isFlashbotsShaped(request)) return await sendAsFlashbots(sequencer, bundle)
          const receipt = await sequencer.sendBundle(bundle)
          const { entryId } = receipt.preconfirmation
          return { bundleHash: entryId, entryId, receipt: encodeReceipt(receipt) }
        },
        { signed: true },
      ),
    ],
    [
      'eth_callBundle',
      method(z.tuple([callBundleShape]), async ([request], origin) => {
        // Whatever block it names, it is tried on the one to come: its state is the only one there is.
        const { stateBlockNumber: _state, timestamp: _time, blockNumber: _block, ...rest } = request
        const bundle = decode(rest, origin)
        const preview = await sequencer.callBundle(bundle)
        if (!isFlashbotsShaped(rest)) return previewJson(preview, { chains, hash: undefined })
        // What cannot run at all is an error to Flashbots' clients: they look at the results alone.
        if (preview.refusal !== undefined && preview.outcomes.length === 0) throw preview.refusal
        const hash = legsHash(bundle.legs.map((leg) => leg.hash))
        return previewJson(preview, { chains, hash })
      }),
    ],
    [
      'eth_cancelBundle',
      method(
        z.tuple([cancelShape]),
        async ([request], { signer }) => {
          const { replacementUuid } = request
          if ('sender' in request) {
            checkCancel(logId, request)
            const owner = request.sender
            const { entryId } = await sequencer.cancelBundle({ owner, replacementUuid })
            return { bundleHash: entryId }
          }
          if (signer === undefined) throw unsignedCancel()
          const cancelled = await sequencer.cancelBundle({ owner: signer(), replacementUuid })
          return [legsHash(cancelled.legHashes)]
        },
        { signed: true },
      ),
    ],
  ])
}

async function sendAsFlashbots(sequencer: SequencerPort, bundle: DecodedBundle) {
  const { entryId, receipt } = await sequencer.acceptBundle(bundle)
  return {
    bundleHash: legsHash(bundle.legs.map(({ hash }) => hash)),
    entryId,
    ...(receipt === undefined ? {} : { receipt: encodeReceipt(receipt) }),
  }
}

/** Flashbots' name of a bundle: keccak256 of its transactions' hashes. */
function legsHash(hashes: readonly Hash[]): Hash {
  return keccak256(concatBytes(hashes.map(hexToBytes)))
}

function unsignedCancel(): TandemError {
  const rule = 'it has sender and signature, or its body is signed in X-Flashbots-Signature'
  return new TandemError('INVALID_REQUEST', { rule, path: 'params.0' })
}

function checkCancel(
  logId: Hash,
  { signature, ...message }: { replacementUuid: string; sender: Address; signature: Address },
): void {
  const digest = hashTypedData({
    domain: tandemDomain(logId),
    types: cancelBundleTypes,
    primaryType: 'CancelBundle',
    message,
  })
  const actual = recoverSigner(digest, signature) ?? 'nobody'
  if (actual === message.sender) return
  throw new TandemError('BAD_SIGNATURE', {
    what: 'cancellation',
    actual,
    expected: message.sender,
  })
}
