import { logarithm } from './numeric/logarithm.ts'
import { normalDistribution } from './numeric/normal.ts'

/** Right of an option. */
export type OptionRight = 'call' | 'put'

/** What Black's formula needs for one option. */
export type BlackInputs = {
  right: OptionRight
  /** Forward price, USD per unit, ≥ 0. */
  forwardUsd: number
  /** Strike, USD per unit, ≥ 0. */
  strikeUsd: number
  /** Volatility per square-root year (0.8 is 80 %), ≥ 0. */
  volatility: number
  /** Time to expiry in years of 365 days, ≥ 0. */
  years: number
  /** Discount factor to expiry, > 0; 1 prices undiscounted. */
  discount: number
}

/** Seconds of the 365-day year that volatilities refer to. */
export const SECONDS_PER_YEAR = 31_536_000

/**
 * Prices a European option on a forward (Black 1976).
 *
 * The side out of the money is computed and the other follows by put–call parity, so a price far out
 * of the money keeps its relative accuracy and parity holds to the last rounding.
 *
 * @returns USD per unit, in `[discount × intrinsic, discount × forward]` for a call,
 * `[discount × intrinsic, discount × strike]` for a put; the discounted intrinsic value when
 * volatility or time is 0. Error below 1e-15 × max(forward, strike) × discount.
 * @see Black (1976), "The pricing of commodity contracts", eq. 16.
 * @example
 * priceOption({ right: 'call', forwardUsd: 1500, strikeUsd: 1500, volatility: 1, years: 7 / 365, discount: 1 })
 * // 82.80508066863456
 */
export function priceOption(inputs: BlackInputs): number {
  const { right, forwardUsd, strikeUsd, volatility, years, discount } = inputs
  const value = outOfTheMoney(forwardUsd, strikeUsd, volatility * Math.sqrt(years))
  return discount * (value + intrinsic(right, forwardUsd, strikeUsd))
}

/**
 * Gives what an option pays if its underlying settles at a price.
 *
 * @returns USD per unit, ≥ 0.
 */
export function intrinsic(right: OptionRight, settlementUsd: number, strikeUsd: number): number {
  const gain = right === 'call' ? settlementUsd - strikeUsd : strikeUsd - settlementUsd
  return gain > 0 ? gain : 0
}

/**
 * Prices the out-of-the-money option at a strike, undiscounted: the call for strike ≥ forward, else the put.
 *
 * @param deviation - Volatility × √years, ≥ 0.
 * @returns USD per unit, in `[0, min(forward, strike)]`.
 */
export function outOfTheMoney(forwardUsd: number, strikeUsd: number, deviation: number): number {
  if (!(deviation > 0) || forwardUsd <= 0 || strikeUsd <= 0) return 0
  const high = Math.max(forwardUsd, strikeUsd)
  const low = Math.min(forwardUsd, strikeUsd)
  const { d1, d2 } = standardisedDistances(high / low, deviation)
  // By the symmetry of Black's formula one expression serves both sides: with low and high in
  // the places of forward and strike it is the call, with the roles turned it is the put.
  const value = low * normalDistribution(d1) - high * normalDistribution(d2)
  return Math.min(Math.max(value, 0), low)
}

function standardisedDistances(ratio: number, deviation: number): { d1: number; d2: number } {
  const distance = -logarithm(ratio) / deviation
  return { d1: distance + deviation / 2, d2: distance - deviation / 2 }
}
