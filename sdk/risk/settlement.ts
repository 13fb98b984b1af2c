/** Length of the average that an expiry settles at, in milliseconds. */
const WINDOW_MS = 1_800_000
const INTERVAL_MS = 10_000

/** Intervals of the average: 180 of 10 s. */
export const SETTLEMENT_INTERVALS = WINDOW_MS / INTERVAL_MS

/** 90 % of the intervals: with fewer, settlement waits. */
export const SETTLEMENT_INTERVALS_MIN = 162

/** An accepted spot mark, USD × 10^8. */
export type SpotObservation = { timestampMs: number; spot8: bigint }

/** What the last half hour before an expiry has given so far. */
export type SettlementAverage = {
  /** Intervals that have a mark, 0 to 180. */
  present: number
  /** Mean over them, USD × 10^8, rounded down; absent while there is none. */
  meanSoFar8: bigint | undefined
  /** The settlement price, USD × 10^8: absent before the expiry, and while too few intervals have a mark. */
  settlement8: bigint | undefined
}

/**
 * Averages the accepted marks of the last 1,800 s before an expiry, as the contract does: of each
 * interval of 10 s the first mark counts.
 *
 * @param observations - In the order in which they were accepted; those outside the window are ignored.
 * @param nowMs - The feeds' time: a window is complete once it is past the expiry.
 */
export function settlementAverage(
  observations: Iterable<SpotObservation>,
  expiryS: number,
  nowMs: number,
): SettlementAverage {
  const startMs = expiryS * 1_000 - WINDOW_MS
  const seen = new Set<number>()
  let sum8 = 0n
  for (const { timestampMs, spot8 } of observations) {
    const interval = Math.floor((timestampMs - startMs) / INTERVAL_MS)
    if (interval < 0 || interval >= SETTLEMENT_INTERVALS || seen.has(interval)) continue
    seen.add(interval)
    sum8 += spot8
  }
  const present = seen.size
  const meanSoFar8 = present === 0 ? undefined : sum8 / BigInt(present)
  const complete = nowMs >= expiryS * 1_000 && present >= SETTLEMENT_INTERVALS_MIN
  return { present, meanSoFar8, settlement8: complete ? meanSoFar8 : undefined }
}
