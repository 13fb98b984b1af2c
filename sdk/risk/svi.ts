import { logarithm } from './numeric/logarithm.ts'

/**
 * One expiry's surface in raw SVI: total variance
 * w(k) = a + b(ρ(k − m) + √((k − m)² + s²)) at log-moneyness k = ln(strike / forward).
 */
export type SviSlice = {
  a: number
  /** ≥ 0. */
  b: number
  /** In `[−1, 1]`. */
  rho: number
  m: number
  /** > 0. */
  s: number
  /** The surface's own time in years of 365 days, > 0; not the time to expiry. */
  years: number
}

/** Total variance is never above this. */
export const TOTAL_VARIANCE_MAX = 20

/** The surface is flat beyond this many at-the-money deviations √(a + b·s). */
export const CLAMP_DEVIATIONS = 4

/**
 * Computes total variance at a log-moneyness, unclamped.
 *
 * @see Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces", definition 3.1.
 */
export function totalVariance(slice: SviSlice, logMoneyness: number): number {
  const offset = logMoneyness - slice.m
  return slice.a + slice.b * (slice.rho * offset + Math.sqrt(offset * offset + slice.s * slice.s))
}

/**
 * Computes the volatility that the surface gives a strike, per square-root year.
 *
 * Log-moneyness is held within ±4√(a + b·s) and total variance within `[0, 20]`.
 *
 * @param forwardUsd - > 0.
 * @param strikeUsd - > 0.
 * @returns ≥ 0; divided by the surface's own time.
 */
export function surfaceVolatility(slice: SviSlice, forwardUsd: number, strikeUsd: number): number {
  const bound = CLAMP_DEVIATIONS * Math.sqrt(Math.max(slice.a + slice.b * slice.s, 0))
  const logMoneyness = logarithm(strikeUsd / forwardUsd)
  const held = Math.min(Math.max(logMoneyness, -bound), bound)
  const variance = Math.min(Math.max(totalVariance(slice, held), 0), TOTAL_VARIANCE_MAX)
  return Math.sqrt(variance / slice.years)
}

/**
 * Names the rule that a slice breaks, if any: signs, |ρ| ≤ 1, and no negative variance
 * (a + b·s·√(1 − ρ²) ≥ 0) with wings no steeper than Lee's bound b(1 + |ρ|) ≤ 2.
 *
 * @returns `undefined` for a usable slice.
 */
export function sviFault(slice: SviSlice): string | undefined {
  const { a, b, rho, m, s, years } = slice
  if (![a, b, rho, m, s, years].every(Number.isFinite)) return 'SVI parameters are finite'
  if (b < 0) return 'SVI b ≥ 0'
  if (Math.abs(rho) > 1) return 'SVI |ρ| ≤ 1'
  if (s <= 0) return 'SVI s > 0'
  if (years <= 0) return 'SVI time > 0'
  if (a + b * s * Math.sqrt(1 - rho * rho) < 0) return 'SVI lowest variance ≥ 0'
  if (b * (1 + Math.abs(rho)) > 2) return 'SVI wing slope b(1 + |ρ|) ≤ 2'
  return undefined
}
