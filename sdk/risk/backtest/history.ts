import { SECONDS_PER_YEAR } from '../black76.ts'
import { logarithm } from '../numeric/logarithm.ts'
import { power } from '../numeric/power.ts'
import { RiskError } from '../risk-error.ts'

/** One observation of a price history. */
export type PricePoint = {
  atMs: number
  /** > 0. */
  closeUsd: number
  /** At-the-money volatility per √year, where the history has one. */
  volatility?: number | undefined
}

/** How volatility is made where a history has none. */
export type VolatilityModel = {
  /** Half-life of the weights on squared moves, hours. */
  halfLifeHours: number
  /** Implied over realised volatility. */
  premium: number
  /** Volatility is never below this. */
  floor: number
  /** Nor above this. */
  ceiling: number
}

/** Realised volatility of two days, a tenth more, between 40 and 300 %. */
export const VOLATILITY_MODEL: VolatilityModel = {
  halfLifeHours: 48,
  premium: 1.1,
  floor: 0.4,
  ceiling: 3,
}

/** A history has at most this many observations. */
export const HISTORY_POINTS_MAX = 1_000_000

/**
 * Gives at-the-money volatility at every observation: the history's own, or an average of past squared
 * moves with weights that halve. Nothing of the future enters.
 *
 * The first moves set the start: until then the floor counts.
 */
export function volatilityPath(points: readonly PricePoint[], model: VolatilityModel): number[] {
  const calm = model.floor / model.premium
  let variance = calm * calm
  let before: PricePoint | undefined
  return points.map((point) => {
    if (before !== undefined) {
      const hours = (point.atMs - before.atMs) / 3_600_000
      const move = logarithm(point.closeUsd / before.closeUsd)
      const yearly = (move * move * SECONDS_PER_YEAR) / (hours * 3_600)
      const kept = power(0.5, hours / model.halfLifeHours)
      variance = kept * variance + (1 - kept) * yearly
    }
    before = point
    if (point.volatility !== undefined) return point.volatility
    return Math.min(Math.max(model.premium * Math.sqrt(variance), model.floor), model.ceiling)
  })
}

/**
 * Refuses a history that a backtest cannot run through.
 *
 * @throws RiskError `INVALID_HISTORY` naming the rule and the row.
 */
export function checkHistory(points: readonly PricePoint[]): void {
  const refuse = (rule: string, row: number, actual: number): never => {
    throw new RiskError('INVALID_HISTORY', rule, { row, actual })
  }
  if (points.length < 2) refuse('a history has two observations or more', 0, points.length)
  if (points.length > HISTORY_POINTS_MAX) {
    refuse(`at most ${HISTORY_POINTS_MAX} observations`, 0, points.length)
  }
  for (const [row, { atMs, closeUsd, volatility = 1 }] of points.entries()) {
    const before = points[row - 1]
    if (!Number.isFinite(atMs)) refuse('a time is a number', row, atMs)
    if (before !== undefined && atMs <= before.atMs) refuse('times rise', row, atMs)
    if (!(closeUsd > 0 && closeUsd < Infinity)) refuse('a price is above 0', row, closeUsd)
    if (!(volatility > 0 && volatility < Infinity)) {
      refuse('a volatility is above 0', row, volatility)
    }
  }
}
