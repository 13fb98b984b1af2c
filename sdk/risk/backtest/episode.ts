import { isolatedMargin } from '../isolated.ts'
import { marginState } from '../margin-state.ts'
import { computeMargin } from '../margin.ts'
import { BASE_PARAMETERS, OWN_ASSET_HAIRCUT, type RiskParameters } from '../parameters.ts'
import type { Portfolio, RiskMarket } from '../portfolio.ts'
import type { PricePoint } from './history.ts'
import { backtestMarket } from './market.ts'
import { BACKTEST_ASSET, BACKTEST_UNDERLYING, type PortfolioTemplate, enter } from './template.ts'

/** How a portfolio is held. */
export type HoldingRules = {
  /** Equity at entry over the initial requirement, ≥ 1. */
  equityRatio: number
  /** Hours until it is closed if nothing happens. */
  hours: number
  /** Hours between the check that finds M < 0 and the price at which the account is closed. */
  delayHours: number
}

/** Entered with as little as initial margin allows, held for a week, closed an hour after it fails. */
export const HOLDING_RULES: HoldingRules = { equityRatio: 1, hours: 168, delayHours: 1 }

/** What happened to one portfolio from its entry to its end. */
export type Episode = {
  startMs: number
  hours: number
  called: boolean
  liquidated: boolean
  /** What the account owed when it was closed, USD, ≥ 0: its margin had not been enough. */
  shortfallUsd: number
  /** Sums over the checks. */
  checks: number
  initialRequirementSumUsd: number
  isolatedRequirementSumUsd: number
  /** Spot at entry times contracts and coins of the larger side, USD. */
  notionalUsd: number
}

/** Rules of version 1 for the one market of a backtest. */
export const BACKTEST_PARAMETERS: RiskParameters = {
  ...BASE_PARAMETERS,
  version: 1,
  collaterals: [
    {
      asset: BACKTEST_ASSET,
      underlying: BACKTEST_UNDERLYING,
      cancelsRisk: true,
      ...OWN_ASSET_HAIRCUT,
    },
  ],
}

const HOUR_MS = 3_600_000

/**
 * Holds one portfolio through a history from one of its observations on.
 *
 * It is entered with cash that makes equity `equityRatio` times the initial requirement, checked at every
 * observation, and closed at its marks some hours after M < 0, or when its time is over. Perpetuals
 * settle their profit at every check.
 *
 * @param volatilities - At the money, one per observation.
 * @param start - Index of the entry; the last observation gives an episode without time.
 */
export function runEpisode(
  given: PortfolioTemplate,
  points: readonly PricePoint[],
  volatilities: readonly number[],
  start: number,
  rules: HoldingRules = HOLDING_RULES,
  parameters: RiskParameters = BACKTEST_PARAMETERS,
): Episode {
  const first = points[start] as PricePoint
  const settled = new Map<number, number>()
  const at = (i: number, portfolio: Portfolio): RiskMarket =>
    backtestMarket(points[i] as PricePoint, volatilities[i] as number, portfolio, settled)
  let portfolio = enter(given, first.closeUsd, first.atMs)
  const entry = computeMargin(portfolio, at(start, portfolio), parameters)
  const cashUsd = rules.equityRatio * entry.initialRequirementUsd - entry.equityUsd
  portfolio = { ...portfolio, cashUsd }

  const contracts = given.options.reduce((sum, { size }) => Math.max(sum, Math.abs(size)), 0)
  const units = Math.max(contracts, Math.abs(given.perpetual), given.coins)
  const episode: Episode = {
    startMs: first.atMs,
    hours: 0,
    called: false,
    liquidated: false,
    shortfallUsd: 0,
    checks: 0,
    initialRequirementSumUsd: 0,
    isolatedRequirementSumUsd: 0,
    notionalUsd: units * first.closeUsd,
  }
  const endMs = first.atMs + rules.hours * HOUR_MS
  let closesMs = Infinity
  for (let i = start; i < points.length; i++) {
    const point = points[i] as PricePoint
    if (i > start) portfolio = settle(portfolio, points[i - 1] as PricePoint, point, settled)
    const market = at(i, portfolio)
    const margin = computeMargin(portfolio, market, parameters)
    const isolated = isolatedMargin(portfolio, market, parameters)
    episode.checks += 1
    episode.initialRequirementSumUsd += margin.initialRequirementUsd
    episode.isolatedRequirementSumUsd += isolated.initialRequirementUsd
    episode.hours = (point.atMs - first.atMs) / HOUR_MS
    const state = marginState(margin)
    if (i > start && state === 'CALL') episode.called = true
    if (margin.maintenanceUsd < 0 && !episode.liquidated) {
      episode.liquidated = true
      closesMs = point.atMs + rules.delayHours * HOUR_MS
    }
    // A history that ends before the delay is over closes the account at its last price.
    const last = i === points.length - 1
    if (episode.liquidated && (point.atMs >= closesMs || last)) {
      return { ...episode, shortfallUsd: Math.max(0, -margin.equityUsd) }
    }
    if (!episode.liquidated && point.atMs >= endMs) break
  }
  return episode
}

/** Moves perpetual profit into cash, and notes what expiries that passed in between settled at. */
function settle(
  portfolio: Portfolio,
  before: PricePoint,
  now: PricePoint,
  settled: Map<number, number>,
): Portfolio {
  for (const { expiryS } of portfolio.options) {
    if (expiryS * 1_000 <= now.atMs && !settled.has(expiryS)) settled.set(expiryS, now.closeUsd)
  }
  const perpetuals = portfolio.perpetuals ?? []
  const profitUsd = perpetuals.reduce(
    (sum, { size }) => sum + size * (now.closeUsd - before.closeUsd),
    0,
  )
  return { ...portfolio, cashUsd: portfolio.cashUsd + profitUsd }
}
