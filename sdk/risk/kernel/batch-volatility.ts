import { INVERSE_SQRT_2PI } from './coefficients.ts'
import { decay, naturalLogarithm, tailRatio } from './scalar.ts'

/** Prices to be inverted, one per index. */
export type PriceColumns = {
  /** 1 for a call, −1 for a put. */
  sign: Float64Array
  /** USD per unit, undiscounted. */
  priceUsd: Float64Array
  /** USD per unit, > 0. */
  forwardUsd: Float64Array
  /** USD per unit, > 0. */
  strikeUsd: Float64Array
  /** Years of 365 days, > 0. */
  years: Float64Array
}

/** Order in which both kernels take {@link PriceColumns}; volatilities follow. */
export const PRICE_COLUMNS = ['sign', 'priceUsd', 'forwardUsd', 'strikeUsd', 'years'] as const

/** Newton's steps: six reach the last bits over deviations of 0.01 to 2. */
export const NEWTON_STEPS = 6
/** A last step above this share of the deviation has not converged. */
export const LAST_STEP_MAX = 1e-6
/** Kernels leave deviations below it to the scalar function, which keeps more digits there. */
export const DEVIATION_LEAST = 0.01
/** Share of the most that an option can be worth from which the kernels leave it to that function. */
export const SHARE_MAX = 0.5
/** Smallest share that the kernels take on. */
export const SHARE_MIN = 1e-250
/** √2π. */
export const SQRT_2PI = 2.5066282746310002
/** 1/π. */
export const INVERSE_PI = 0.3183098861837907

/**
 * Finds volatilities from prices, column by column: the oracle of the vector kernel.
 *
 * @param volatility - Result per √year, relative error below 1e-13; `NaN` where the kernels leave the
 * answer to `impliedVolatility`: outside the bounds, below {@link DEVIATION_LEAST}, above
 * {@link SHARE_MAX}.
 */
export function batchVolatilities(
  prices: PriceColumns,
  volatility: Float64Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const forward = prices.forwardUsd[i] as number
    const strike = prices.strikeUsd[i] as number
    const price = prices.priceUsd[i] as number
    const low = strike < forward ? strike : forward
    const high = forward < strike ? strike : forward
    const gain = 0 < (prices.sign[i] as number) ? forward - strike : strike - forward
    const share = (price - (gain < 0 ? 0 : gain)) / low
    const usable = SHARE_MIN < share && share < SHARE_MAX
    const target = usable ? share : 0.1
    const distance = Math.abs(naturalLogarithm(low / high))
    const { deviation, step } = invert(target, distance, (high - low) / low)
    const settled = Math.abs(step) < LAST_STEP_MAX * deviation
    const good = usable && settled && DEVIATION_LEAST < deviation
    volatility[i] = good ? deviation / Math.sqrt(prices.years[i] as number) : NaN
  }
}

/** Newton's method on the logarithm of the share, or on 1/√(−2 ln share) below the inflection. */
function invert(
  target: number,
  distance: number,
  gap: number,
): { deviation: number; step: number } {
  const logTarget = naturalLogarithm(target)
  const measureTarget = 1 / Math.sqrt(-2 * logTarget)
  // Corrado and Miller's start, exact to third order at the money.
  const a = target + 0.5 * gap
  const square = a * a - gap * gap * INVERSE_PI
  const root = Math.sqrt(square < 0 ? 0 : square)
  let deviation = (SQRT_2PI / (2 + gap)) * (a + root)
  let step = 0
  for (let n = 0; n < NEWTON_STEPS; n++) {
    const half = 0.5 * deviation
    const reach = distance / deviation
    const near = half - reach
    const density = decay(-0.5 * (near * near))
    const inner = density * tailRatio(Math.abs(near))
    const outer = density * tailRatio(half + reach)
    const value = (0 < near ? 1 - inner : inner) - outer
    const share = value < SHARE_MIN ? SHARE_MIN : value
    const logShare = naturalLogarithm(share)
    const flatness = share / (INVERSE_SQRT_2PI * density)
    const twice = -2 * logShare
    const measure = 1 / Math.sqrt(twice)
    const below = (measure - measureTarget) * (twice / measure)
    const above = logShare - logTarget
    step = (near < 0 ? below : above) * flatness
    const next = deviation - step
    const least = 0.25 * deviation
    const most = 4 * deviation
    const held = least < next ? next : least
    deviation = held < most ? held : most
  }
  return { deviation, step }
}
