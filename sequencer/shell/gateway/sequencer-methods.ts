import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { encodeNativeProof, NATIVE_KINDS, type NativeKind } from '../../../sdk/protocol/native.ts'
import { decodeFeedUpdate, encodeReceipt } from '../../../sdk/protocol/wire.ts'
import type { SequencerPort } from '../port.ts'
import { method, type RpcMethod, type RpcMethods } from './json-rpc.ts'
import { decimalShape, hashShape, signatureShape } from './shapes.ts'
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

const nativeIdShape = z.strictObject({
  kind: z.enum(Object.keys(NATIVE_KINDS) as NativeKind[]),
  account: hashShape.transform((text) => text as AccountId).optional(),
  id: z
    .string()
    .regex(/^(0|[1-9][0-9]{0,77})$/, 'an integer is decimal text without leading zeros')
    .transform(BigInt)
    .refine((value) => value < 1n << 256n, { error: 'at most 256 bits' }),
})

/** What the methods of `/` work with. */
export type SequencerMethodsOptions = {
  sequencer: SequencerPort
  guests: GuestMethods
}

/** Makes the methods of the sequencer itself, those for bundles apart. */
export function sequencerMethods(options: SequencerMethodsOptions): RpcMethods {
  const { sequencer, guests } = options
  const own: [string, RpcMethod][] = [
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
    [
      'tandem_getNativeProof',
      method(z.tuple([nativeIdShape]), ([{ kind, account, id }]) => {
        const { ofAccount } = NATIVE_KINDS[kind]
        if ((account !== undefined) !== ofAccount) {
          const rule = `a leaf of kind ${kind} names ${ofAccount ? 'an' : 'no'} account`
          throw new TandemError('INVALID_REQUEST', { rule, path: 'account' })
        }
        return encodeNativeProof(
          sequencer.nativeProof({ kind, ...(account === undefined ? {} : { account }), id }),
        )
      }),
    ],
    ['tandem_status', method(z.tuple([]), () => statusJson(sequencer.status()))],
  ]
  const foreign = Object.entries(guests).map(([name, { schema, handle }]): [string, RpcMethod] => [
    name,
    method(z.tuple([schema]), ([parameter]) => handle(parameter)),
  ])
  return new Map([...own, ...foreign])
}
