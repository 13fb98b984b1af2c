import { z } from 'zod'
import type { ExpiryMark, FeedUpdate, SignedFeedUpdate } from './feeds.ts'
import type { Hex } from './hex.ts'
import { LIMITS } from './limits.ts'

/** {@link SignedFeedUpdate} as JSON-RPC carries it: integers of more than 53 bits as decimal text. */
export type WireFeedUpdate = {
  update: Omit<FeedUpdate, 'sequence' | 'spot8' | 'stable8' | 'expiries'> & {
    sequence: string
    spot8: string
    stable8: string
    expiries: readonly WireExpiryMark[]
  }
  signatures: readonly Hex[]
}

type WireExpiryMark = {
  [K in keyof ExpiryMark]: ExpiryMark[K] extends bigint ? string : ExpiryMark[K]
}

const UINT64_MAX = 2n ** 64n - 1n
const INT64_MAX = 2n ** 63n - 1n

const unsigned = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,19})$/, 'a decimal integer without sign')
  .transform(BigInt)
  .refine((value) => value <= UINT64_MAX, 'at most 2^64 − 1')
const signed = z
  .string()
  .regex(/^(0|-?[1-9][0-9]{0,18})$/, 'a decimal integer')
  .transform(BigInt)
  .refine((value) => value >= -INT64_MAX - 1n && value <= INT64_MAX, 'within int64')
const uint16 = z.int().min(0).max(65_535)
const uint32 = z.int().min(0).max(4_294_967_295)

const expiryMark = z.strictObject({
  expiryS: z
    .int()
    .min(0)
    .max(2 ** 40 - 1),
  forward8: unsigned,
  rate6: z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1),
  a9: signed,
  b9: unsigned,
  rho9: signed,
  m9: signed,
  s9: unsigned,
  tauS: uint32,
  confidence4: uint16,
})

const signature = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{130}$/)])

/**
 * Schema of a signed feed update in JSON: shapes and integer ranges. Which values make sense, and
 * whose signatures count, is decided by the sequencer and on chain.
 */
export const signedFeedUpdateSchema = z.strictObject({
  update: z.strictObject({
    underlying: uint16,
    sequence: unsigned,
    timestampMs: z.int().min(0),
    spot8: unsigned,
    spotConfidence4: uint16,
    stable8: unsigned,
    expiries: z.array(expiryMark).max(LIMITS.feedExpiries),
  }),
  signatures: z.array(signature).min(1).max(LIMITS.feedSignatures),
}) satisfies z.ZodType<SignedFeedUpdate>

/** Writes a signed feed update for JSON: the inverse of {@link signedFeedUpdateSchema}. */
export function encodeFeedUpdate({ update, signatures }: SignedFeedUpdate): WireFeedUpdate {
  return {
    update: {
      ...update,
      sequence: update.sequence.toString(),
      spot8: update.spot8.toString(),
      stable8: update.stable8.toString(),
      expiries: update.expiries.map((mark) => ({
        ...mark,
        forward8: mark.forward8.toString(),
        a9: mark.a9.toString(),
        b9: mark.b9.toString(),
        rho9: mark.rho9.toString(),
        m9: mark.m9.toString(),
        s9: mark.s9.toString(),
      })),
    },
    signatures,
  }
}
