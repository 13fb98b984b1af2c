import { totalVariance } from '../svi.ts'
import type { SviShape } from './svi-fit.ts'

/** Log-moneyness is looked at this far out, in at-the-money deviations. */
const DEVIATIONS = 4
const STEPS = 80

/** A place where a surface gives something for nothing. */
export type ArbitrageFinding = {
  /** A butterfly within the expiry, or a calendar spread against the one before. */
  kind: 'butterfly' | 'calendar spread'
  expiryS: number
  /** Lowest density factor, or smallest step of total variance; below 0. */
  lowest: number
}

/**
 * Lists the arbitrage of a surface within four at-the-money deviations of each expiry.
 *
 * @param slices - By expiry, ascending.
 * @returns Empty for a surface that allows none.
 */
export function findArbitrage(
  slices: readonly { expiryS: number; slice: SviShape }[],
): ArbitrageFinding[] {
  return slices.flatMap(({ expiryS, slice }, i): ArbitrageFinding[] => {
    const before = slices[i - 1]
    const butterfly = butterflyLowest(slice)
    const calendar = before === undefined ? 0 : calendarLowest([before.slice, slice])
    return [
      ...(butterfly < 0 ? [{ kind: 'butterfly' as const, expiryS, lowest: butterfly }] : []),
      ...(calendar < 0 ? [{ kind: 'calendar spread' as const, expiryS, lowest: calendar }] : []),
    ]
  })
}

/**
 * Finds the lowest value of the factor that multiplies the normal density in a slice's implied
 * density, within four at-the-money deviations.
 *
 * @returns Below 0 where a butterfly could be bought for nothing.
 * @see Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces", eq. 2.1.
 */
export function butterflyLowest(shape: SviShape): number {
  return Math.min(...grid(shape).map((k) => densityFactor(shape, k)))
}

/**
 * Finds the smallest step of total variance from one expiry to the next at equal log-moneyness.
 *
 * @param slices - By expiry, ascending.
 * @returns Below 0 where a calendar spread could be bought for nothing.
 */
export function calendarLowest(slices: readonly SviShape[]): number {
  let lowest = Infinity
  for (const [i, later] of slices.entries()) {
    const earlier = slices[i - 1]
    if (earlier === undefined) continue
    for (const k of grid(earlier)) {
      lowest = Math.min(lowest, variance(later, k) - variance(earlier, k))
    }
  }
  return lowest
}

function densityFactor({ a, b, rho, m, s }: SviShape, k: number): number {
  const root = Math.sqrt((k - m) * (k - m) + s * s)
  const w = a + b * (rho * (k - m) + root)
  if (!(w > 0)) return -Infinity
  const first = b * (rho + (k - m) / root)
  const second = (b * s * s) / (root * root * root)
  const skew = 1 - (k * first) / (2 * w)
  return skew * skew - ((first * first) / 4) * (1 / w + 1 / 4) + second / 2
}

function grid(shape: SviShape): number[] {
  const deviation = Math.sqrt(variance(shape, 0))
  return Array.from({ length: STEPS + 1 }, (_, i) => deviation * DEVIATIONS * ((2 * i) / STEPS - 1))
}

function variance(shape: SviShape, k: number): number {
  return totalVariance({ ...shape, years: 1 }, k)
}
