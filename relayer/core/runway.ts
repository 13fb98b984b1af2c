/** What is known of how fast a wallet spends. */
export type Runway = {
  wei: bigint
  atMs: number
  /** Wei spent per second, the last minutes most. */
  spentPerS: number
}

/** Weight that the past keeps per second: after five minutes half of it. */
const KEPT_HALF_S = 300
const RUNWAY_S_MAX = 365 * 86_400

/**
 * Takes a balance into account; money that comes in is no spending.
 *
 * @param seen - Balance in wei and when, in milliseconds of any clock that does not go back.
 */
export function nextRunway(
  before: Runway | undefined,
  { wei, atMs }: { wei: bigint; atMs: number },
): Runway {
  if (before === undefined) return { wei, atMs, spentPerS: 0 }
  const elapsedS = (atMs - before.atMs) / 1_000
  if (elapsedS <= 0) return before
  const spent = before.wei > wei ? Number(before.wei - wei) : 0
  const weight = Math.min(1, elapsedS / (elapsedS + KEPT_HALF_S))
  return { wei, atMs, spentPerS: before.spentPerS * (1 - weight) + (spent / elapsedS) * weight }
}

/** Seconds that a wallet lasts at the rate it spends; at most a year. */
export function runwayS({ wei, spentPerS }: Runway): number {
  if (wei === 0n) return 0
  return spentPerS === 0 ? RUNWAY_S_MAX : Math.min(RUNWAY_S_MAX, Number(wei) / spentPerS)
}
