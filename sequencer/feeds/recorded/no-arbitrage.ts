import { totalVariance } from '../../../sdk/risk/svi.ts'
import type { SviShape } from '../svi-fit.ts'

/** Log-moneyness is looked at this far out, in at-the-money deviations. */
const DEVIATIONS = 4
const STEPS = 80

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
