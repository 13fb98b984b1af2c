import { type LiquidationState } from '../liquidation.ts'
import { marginState } from '../margin-state.ts'
import { type Margin, computeMargin } from '../margin.ts'
import type { RiskParameters } from '../parameters.ts'
import type { Portfolio, RiskMarket } from '../portfolio.ts'

/** What a change would do to an account. */
export type Simulation = {
  before: Margin
  after: Margin
  stateBefore: LiquidationState
  stateAfter: LiquidationState
  /** True when initial margin allows the change. */
  allowed: boolean
}

/**
 * Computes an account's margin before and after a change, by the engine that decides on it.
 *
 * A change is allowed when it ends with I ≥ 0, or when it lowers no balance and no requirement rises:
 * whoever is short of margin may always reduce.
 *
 * @param change - What is added: sizes, amounts and cash are signed.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function simulate(
  portfolio: Portfolio,
  change: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): Simulation {
  const before = computeMargin(portfolio, market, parameters)
  const after = computeMargin(combine(portfolio, change), market, parameters)
  return {
    before,
    after,
    stateBefore: marginState(before),
    stateAfter: marginState(after),
    allowed: isAllowed(before, after),
  }
}

/** Says whether initial margin allows a step from one margin to another. */
export function isAllowed(before: Margin, after: Margin): boolean {
  if (after.initialUsd >= 0) return true
  return (
    after.initialUsd >= before.initialUsd &&
    after.maintenanceUsd >= before.maintenanceUsd &&
    after.initialRequirementUsd <= before.initialRequirementUsd
  )
}

/**
 * Adds a change to a portfolio: equal series, perpetuals and collaterals become one position, and
 * what comes to nothing is gone.
 */
export function combine(portfolio: Portfolio, change: Portfolio): Portfolio {
  return {
    cashUsd: portfolio.cashUsd + change.cashUsd,
    options: added(
      [...portfolio.options, ...change.options],
      ({ underlying, expiryS, strikeUsd, right, volatility }) =>
        [underlying, expiryS, strikeUsd, right, volatility].join(' '),
      (a, b) => ({ ...a, size: a.size + b.size }),
    ).filter(({ size }) => size !== 0),
    perpetuals: added(
      [...(portfolio.perpetuals ?? []), ...(change.perpetuals ?? [])],
      ({ underlying }) => underlying,
      (a, b) => ({
        ...a,
        size: a.size + b.size,
        unsettledUsd: a.unsettledUsd + b.unsettledUsd,
      }),
    ),
    collaterals: added(
      [...portfolio.collaterals, ...change.collaterals],
      ({ asset }) => asset,
      (a, b) => ({ ...a, amount: a.amount + b.amount }),
    ).filter(({ amount }) => amount !== 0),
  }
}

function added<T>(
  entries: readonly T[],
  keyOf: (entry: T) => string | number,
  sum: (a: T, b: T) => T,
): T[] {
  const byKey = new Map<string | number, T>()
  for (const entry of entries) {
    const key = keyOf(entry)
    const held = byKey.get(key)
    byKey.set(key, held === undefined ? entry : sum(held, entry))
  }
  return [...byKey.values()]
}
