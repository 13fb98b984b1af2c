import { toUsd18Down, toUsd18Up } from './fixed-point.ts'
import { type LiquidationState, liquidationState } from './liquidation.ts'
import type { Margin } from './margin.ts'

/** Says in which state an account is, by its balances rounded to 18 decimals against it. */
export function marginState(margin: Margin): LiquidationState {
  const equity18 = toUsd18Down(margin.equityUsd)
  const maintenance18 = toUsd18Down(margin.maintenanceUsd)
  const initial18 = toUsd18Down(margin.initialUsd)
  // Equity less maintenance is the requirement: rounding must not make it negative.
  const equity = equity18 < maintenance18 ? toUsd18Up(margin.maintenanceUsd) : equity18
  return liquidationState({ initial18, maintenance18, equity18: equity })
}
