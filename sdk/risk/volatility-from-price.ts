import { type BlackInputs, intrinsic } from './black76.ts'
import { impliedVolatility } from './implied-volatility.ts'
import { RiskError } from './risk-error.ts'

/**
 * Gives the volatility that a discounted option price implies, per square-root year, or says which
 * no-arbitrage bound the price breaks.
 *
 * @returns ≥ 0, relative error near 1e-15 where the price determines it; 0 for the discounted
 * intrinsic value itself.
 * @throws {@link PriceBoundsError} when the price is below the discounted intrinsic value, or not below
 * the discounted forward (a call) or strike (a put).
 * @throws RiskError `OUT_OF_RANGE` when the ratio of forward and strike, or its inverse, is no double.
 * @throws RiskError `INVALID_REQUEST` when forward, strike, time or discount is not above 0.
 * @example
 * volatilityFromPrice({ right: 'call', priceUsd: 82.80508066863456, forwardUsd: 1500, strikeUsd: 1500, years: 7 / 365, discount: 1 })
 * // 1, within 1e-15
 */
export function volatilityFromPrice(
  option: Omit<BlackInputs, 'volatility'> & { priceUsd: number },
): number {
  const { right, priceUsd, forwardUsd, strikeUsd, years, discount } = option
  for (const [name, value] of Object.entries({ forwardUsd, strikeUsd, years, discount })) {
    if (value > 0 && value < Infinity) continue
    throw new RiskError('INVALID_REQUEST', `${name} is a finite number above 0`, { actual: value })
  }
  const lowestUsd = discount * intrinsic(right, forwardUsd, strikeUsd)
  const highestUsd = discount * (right === 'call' ? forwardUsd : strikeUsd)
  const inside = priceUsd >= lowestUsd && priceUsd < highestUsd
  const volatility = inside
    ? // Rounding of the division must not take a price across the bound that it stands on.
      priceUsd === lowestUsd
      ? 0
      : impliedVolatility({ ...option, priceUsd: priceUsd / discount })
    : undefined
  if (volatility === undefined) throw new PriceBoundsError(priceUsd, lowestUsd, highestUsd)
  if (!Number.isFinite(volatility)) {
    const rule = 'the ratio of forward and strike is within the range of a double'
    throw new RiskError('OUT_OF_RANGE', rule, { forward: forwardUsd, strike: strikeUsd })
  }
  return volatility
}

/** No volatility gives this price: it lies outside what can be had without arbitrage. */
export class PriceBoundsError extends RiskError {
  override readonly name = 'PriceBoundsError'

  constructor(priceUsd: number, lowestUsd: number, highestUsd: number) {
    super('PRICE_OUT_OF_BOUNDS', 'lowest ≤ price < highest', {
      actual: priceUsd,
      lowest: lowestUsd,
      highest: highestUsd,
    })
  }
}
