import { z } from 'zod'

const figure = z.number()
const positive = z.number().positive()

const slice = z.strictObject({
  forwardUsd: positive,
  a: figure,
  b: z.number().min(0),
  rho: z.number().gt(-1).lt(1),
  m: figure,
  s: positive,
})

const underlying = z.strictObject({
  symbol: z.string().min(1).max(16),
  /** Ascending, milliseconds since 1970. */
  expiriesMs: z.array(z.int().positive()).min(1).max(30),
  snapshots: z
    .array(
      z.strictObject({
        atMs: z.int().positive(),
        indexUsd: positive,
        /** One per expiry, in their order: a raw SVI slice of total variance. */
        slices: z.array(slice).min(1).max(30),
      }),
    )
    .min(2)
    .max(1024),
})

/** Schema of a recorded market, version 1. */
export const marketFileSchema = z
  .strictObject({
    version: z.literal(1),
    source: z.string().min(1),
    note: z.string().min(1),
    underlyings: z.array(underlying).min(1).max(16),
  })
  .superRefine((file, context) => {
    for (const { symbol, expiriesMs, snapshots } of file.underlyings) {
      const times = snapshots.map(({ atMs }) => atMs)
      const ragged = snapshots.some(({ slices }) => slices.length !== expiriesMs.length)
      if (!ascends(times)) context.addIssue(`${symbol}: snapshots ascend in time`)
      if (!ascends(expiriesMs)) context.addIssue(`${symbol}: expiries ascend`)
      if (ragged) context.addIssue(`${symbol}: every snapshot has one slice per expiry`)
      if ((expiriesMs[0] ?? 0) <= (times.at(-1) ?? 0)) {
        context.addIssue(`${symbol}: every expiry outlives the recording`)
      }
    }
  })

/** A recorded market: forwards, index prices and fitted surfaces at a few moments. */
export type MarketFile = z.infer<typeof marketFileSchema>

/** One underlying of a recorded market. */
export type RecordedUnderlying = MarketFile['underlyings'][number]

/** One expiry of one snapshot. */
export type RecordedSlice = RecordedUnderlying['snapshots'][number]['slices'][number]

function ascends(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] ?? Infinity))
}
