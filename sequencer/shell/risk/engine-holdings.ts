import { portfolioOf, type RiskAsset } from '../../../sdk/risk/ledger.ts'
import type { HubPortfolio } from './hub-books.ts'
import { holdingsOf } from './portfolio.ts'
import type { SeriesHoldings } from './worker/messages.ts'

const LOTS_PER_CONTRACT = 10_000
const MICRO = 1_000_000

/**
 * Puts a portfolio into the risk engine's integers: cash rounded down to micro-dollars, sizes to the
 * nearest lot. What is decided on an account is decided on the exact portfolio.
 *
 * @throws InvalidPortfolioError when a position is no option or an asset is not listed.
 */
export function engineHoldings(held: HubPortfolio, assets: readonly RiskAsset[]): SeriesHoldings {
  const { cashUsd, options, collaterals } = portfolioOf(holdingsOf(held), assets)
  return {
    cashMicro: Math.floor(cashUsd * MICRO),
    options: options.flatMap(({ size, ...series }) => {
      const lots = Math.round(size * LOTS_PER_CONTRACT)
      const { underlying, expiryS, strikeUsd, right } = series
      return lots === 0 ? [] : [{ series: { underlying, expiryS, strikeUsd, right }, lots }]
    }),
    collaterals: collaterals.map(({ asset, amount }) => ({
      asset,
      underlying: assets.find(({ id }) => id === asset)?.underlying,
      amount,
    })),
  }
}
