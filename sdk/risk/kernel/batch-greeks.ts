import { DEVIATION_MIN, DISTANCE_MAX, INVERSE_SQRT_2PI } from './coefficients.ts'
import { decay, naturalLogarithm, tailRatio } from './scalar.ts'

/** Options to be priced, one per index. */
export type OptionColumns = {
  /** 1 for a call, −1 for a put. */
  sign: Float64Array
  /** USD per unit, > 0. */
  forwardUsd: Float64Array
  /** USD per unit, > 0. */
  strikeUsd: Float64Array
  /** Per √year, ≥ 0. */
  volatility: Float64Array
  /** Years of 365 days, ≥ 0. */
  years: Float64Array
  /** Factor to expiry, > 0. */
  discount: Float64Array
  /** Continuous, per year, signed: it enters theta alone. */
  ratePerYear: Float64Array
}

/** Prices and Greeks, one per index; units as in `Greeks`. */
export type GreekColumns = {
  priceUsd: Float64Array
  delta: Float64Array
  gamma: Float64Array
  vega: Float64Array
  theta: Float64Array
  rho: Float64Array
}

/** Order in which both kernels take {@link OptionColumns}. */
export const OPTION_COLUMNS = [
  'sign',
  'forwardUsd',
  'strikeUsd',
  'volatility',
  'years',
  'discount',
  'ratePerYear',
] as const

/** Order in which both kernels give {@link GreekColumns}. */
export const GREEK_COLUMNS = ['priceUsd', 'delta', 'gamma', 'vega', 'theta', 'rho'] as const

/**
 * Prices options and gives five Greeks, column by column: the oracle of the vector kernel.
 *
 * @param from - First index.
 * @param to - Index behind the last.
 * @returns Nothing; prices have errors below 1e-15 × max(forward, strike) × discount.
 */
export function batchGreeks(
  options: OptionColumns,
  results: GreekColumns,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const forward = options.forwardUsd[i] as number
    const strike = options.strikeUsd[i] as number
    const call = (options.sign[i] as number) > 0
    const years = options.years[i] as number
    const volatility = options.volatility[i] as number
    const discount = options.discount[i] as number
    const rate = options.ratePerYear[i] as number

    const rootYears = Math.sqrt(years)
    const deviation = volatility * rootYears
    const live = deviation > DEVIATION_MIN
    const spread = live ? deviation : DEVIATION_MIN
    const low = strike < forward ? strike : forward
    const high = forward < strike ? strike : forward
    const ratio = low / high
    const inverse = 1 / spread
    const half = 0.5 * spread
    const distance = Math.abs(naturalLogarithm(ratio)) * inverse
    const near = half - distance
    const far = half + distance

    const density = live ? decay(-0.5 * (near * near)) : 0
    const nearSize = Math.abs(near)
    const inner = density * tailRatio(nearSize < DISTANCE_MAX ? nearSize : DISTANCE_MAX)
    const outer = density * tailRatio(far < DISTANCE_MAX ? far : DISTANCE_MAX)
    const chance = 0 < near ? 1 - inner : inner
    const gap = live ? chance - outer : 0
    const otm = low * (gap < 0 ? 0 : gap)

    const above = strike < forward
    const gain = call ? forward - strike : strike - forward
    const price = discount * (otm + (gain < 0 ? 0 : gain))
    const reach = live ? (above ? outer * ratio : chance) : 0
    const certain = call ? (above ? 1 : 0) : above ? 0 : live || forward < strike ? -1 : 0
    const weight = discount * (INVERSE_SQRT_2PI * (low * density))

    results.priceUsd[i] = price
    results.delta[i] = discount * ((above ? -reach : reach) + certain)
    results.gamma[i] = weight / (forward * (forward * spread))
    const vega = weight * rootYears
    results.vega[i] = vega
    // weight × σ / (2√τ), without a division by a time of 0.
    results.theta[i] =
      rate * price - (0.5 * (weight * volatility)) / (rootYears > 0 ? rootYears : 1)
    results.rho[i] = -years * price
  }
}
