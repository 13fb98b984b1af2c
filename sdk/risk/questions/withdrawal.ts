import type { AssetId } from '../../protocol/ids.ts'
import { computeMargin } from '../margin.ts'
import type { RiskParameters } from '../parameters.ts'
import type { Portfolio, RiskMarket } from '../portfolio.ts'
import { boundary } from './boundary.ts'

/** What an account may take out: one of these at a time. */
export type Withdrawable = {
  cashUsd: number
  /** Whole tokens of each collateral that is held. */
  collaterals: readonly { asset: AssetId; amount: number }[]
}

/**
 * Computes what an account may withdraw and still end with I ≥ 0: cash, or one collateral.
 *
 * Along a withdrawal I is concave, so what lies below an allowed amount is allowed too.
 *
 * @returns 0 each while I < 0; never more than is held.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function availableToWithdraw(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): Withdrawable {
  const { initialUsd } = computeMargin(portfolio, market, parameters)
  const held = new Map<AssetId, number>()
  for (const { asset, amount } of portfolio.collaterals) {
    held.set(asset, (held.get(asset) ?? 0) + amount)
  }
  return {
    cashUsd: Math.max(0, Math.min(portfolio.cashUsd, initialUsd)),
    collaterals: [...held].map(([asset, amount]) => ({
      asset,
      amount: initialUsd < 0 ? 0 : withdrawable(asset, amount, portfolio, market, parameters),
    })),
  }
}

function withdrawable(
  asset: AssetId,
  amount: number,
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): number {
  const allowed = (taken: number): boolean => {
    const kept = portfolio.collaterals.filter((held) => held.asset !== asset)
    const collaterals = [...kept, { asset, amount: amount - taken }]
    return computeMargin({ ...portfolio, collaterals }, market, parameters).initialUsd >= 0
  }
  return allowed(amount) ? amount : boundary(allowed, 0, amount)
}
