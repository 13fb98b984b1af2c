import { type BlackInputs, priceOption } from './black76.ts'
import { logarithm } from './numeric/logarithm.ts'
import { normalDensity, normalDistribution } from './numeric/normal.ts'

/** First derivatives of an option's price, and the second ones in forward and volatility. */
export type Greeks = {
  /** USD per USD of the forward, discounted: in `[0, D]` for a call, `[−D, 0]` for a put. */
  delta: number
  /** Change of delta per USD of the forward, ≥ 0. */
  gamma: number
  /** USD per 1.00 of volatility (100 points), ≥ 0. */
  vega: number
  /** USD per year that passes, with forward and rate held and the discount running off. */
  theta: number
  /** USD per 1.00 of rate, with the forward held: −years × price. */
  rho: number
  /** Change of delta per 1.00 of volatility; of vega per USD of the forward. */
  vanna: number
  /** Change of vega per 1.00 of volatility. */
  volga: number
}

/**
 * Computes the Greeks of a European option on a forward (Black 1976).
 *
 * @param ratePerYear - Continuous rate behind `discount`, signed: it enters theta alone.
 * @returns All 0 but delta and rho when volatility or time is 0; delta of 0 at the money then.
 */
export function greeks(inputs: BlackInputs, ratePerYear: number): Greeks {
  const { right, forwardUsd, strikeUsd, volatility, years, discount } = inputs
  const price = priceOption(inputs)
  const rho = -years * price
  const rootYears = Math.sqrt(years)
  const deviation = volatility * rootYears
  if (!(deviation > 0) || forwardUsd <= 0 || strikeUsd <= 0) {
    const theta = ratePerYear * price
    return { delta: certainDelta(inputs), gamma: 0, vega: 0, theta, rho, vanna: 0, volga: 0 }
  }

  const d1 = logarithm(forwardUsd / strikeUsd) / deviation + deviation / 2
  const delta = discount * (right === 'call' ? normalDistribution(d1) : -normalDistribution(-d1))
  const density = discount * normalDensity(d1)
  const gamma = density / (forwardUsd * deviation)
  const vega = forwardUsd * density * rootYears
  const theta = ratePerYear * price - (forwardUsd * density * volatility) / (2 * rootYears)
  const d2 = d1 - deviation
  const vanna = (-density * d2) / volatility
  const volga = (vega * d1 * d2) / volatility
  return { delta, gamma, vega, theta, rho, vanna, volga }
}

/** Delta of an option whose outcome is certain. */
function certainDelta({ right, forwardUsd, strikeUsd, discount }: BlackInputs): number {
  if (right === 'call') return forwardUsd > strikeUsd ? discount : 0
  return forwardUsd < strikeUsd ? -discount : 0
}
