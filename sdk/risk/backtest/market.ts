import { SECONDS_PER_YEAR } from '../black76.ts'
import type { ExpiryMarket, Portfolio, RiskMarket } from '../portfolio.ts'
import { type SsviParameters, ssviShape } from '../surface/ssvi.ts'
import type { PricePoint } from './history.ts'
import { BACKTEST_ASSET, BACKTEST_UNDERLYING } from './template.ts'

/** The smile of a backtest: every expiry has it, around its volatility at the money. */
export const BACKTEST_SMILE: SsviParameters = { rho: -0.25, eta: 0.8, gamma: 0.4 }

/**
 * Makes the market of one moment: forwards at spot, the smile around one volatility at the money for
 * every expiry, everything sure.
 *
 * @param settled - What expiries that have passed settled at, USD, by expiry.
 */
export function backtestMarket(
  { atMs, closeUsd }: PricePoint,
  volatility: number,
  portfolio: Portfolio,
  settled: ReadonlyMap<number, number>,
): RiskMarket {
  const expiries = [...new Set(portfolio.options.map(({ expiryS }) => expiryS))]
  return {
    stableUsd: 1,
    underlyings: [
      {
        underlying: BACKTEST_UNDERLYING,
        spotUsd: closeUsd,
        spotConfidence: 1,
        perpetual: { priceUsd: closeUsd, confidence: 1 },
        expiries: expiries
          .toSorted((a, b) => a - b)
          .map((expiryS): ExpiryMarket => {
            const secondsToExpiry = expiryS - atMs / 1_000
            const years = Math.max(secondsToExpiry, 1) / SECONDS_PER_YEAR
            const shape = ssviShape(BACKTEST_SMILE, volatility * volatility * years)
            return {
              expiryS,
              secondsToExpiry,
              forwardUsd: closeUsd,
              settlementUsd: settled.get(expiryS),
              ratePerYear: 0,
              forwardConfidence: 1,
              rateConfidence: 1,
              volatilityConfidence: 1,
              surface: { ...shape, years },
            }
          }),
      },
    ],
    collaterals: [{ asset: BACKTEST_ASSET, priceUsd: closeUsd, confidence: 1 }],
  }
}
