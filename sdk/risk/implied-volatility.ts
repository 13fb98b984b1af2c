import { type OptionRight, intrinsic } from './black76.ts'
import { scaledComplementaryErrorFunction } from './numeric/error-function.ts'
import { exponential } from './numeric/exponential.ts'
import { logarithm } from './numeric/logarithm.ts'
import { horner } from './numeric/polynomial.ts'

const INVERSE_SQRT_2 = 0.7071067811865476
const SQRT_HALF_PI = 1.2533141373155003
const SQRT_2PI = 2.5066282746310002
const LOG_SQRT_2PI = 0.9189385332046727
const ITERATIONS_MAX = 128
const STEP_MIN = 2.3e-16

/** An undiscounted option price and what it is the price of. */
export type PricedOption = {
  right: OptionRight
  /** USD per unit, undiscounted. */
  priceUsd: number
  /** > 0. */
  forwardUsd: number
  /** > 0. */
  strikeUsd: number
  /** Years of 365 days, > 0. */
  years: number
}

/**
 * Finds the volatility at which Black's formula gives a price, per square-root year.
 *
 * Works on the part of the price that depends on volatility, as a logarithm, so that a price of
 * 1e-200 determines its volatility as well as one at the money.
 *
 * @returns Relative error near 1e-15 where the price determines it; 0 for a price equal to the
 * intrinsic value; `undefined` for a price below it or not below the most the option can be worth.
 */
export function impliedVolatility(option: PricedOption): number | undefined {
  const { right, priceUsd, forwardUsd, strikeUsd, years } = option
  const timeValue = priceUsd - intrinsic(right, forwardUsd, strikeUsd)
  const low = Math.min(forwardUsd, strikeUsd)
  const high = Math.max(forwardUsd, strikeUsd)
  if (!(low > 0) || !(years > 0) || !(timeValue >= 0) || !(timeValue < low)) return undefined
  if (timeValue === 0) return 0

  const x = -logarithm(high / low)
  const scale = Math.sqrt(low) * Math.sqrt(high)
  const logPrice = logarithm(timeValue / scale)
  const inflection = Math.sqrt(-2 * x)
  if (timeValue > low / 2) {
    const logGap = logarithm((low - timeValue) / scale)
    return solve((s) => upperResidual(x, s, logGap), Math.max(inflection, 1)) / Math.sqrt(years)
  }
  const atInflection = x < 0 ? logNormalisedPrice(x, inflection) : -Infinity
  const deviation =
    logPrice < atInflection
      ? solve((s) => lowerResidual(x, s, logPrice), inflection)
      : solve((s) => middleResidual(x, s, logPrice), startAtTheMoney(x, timeValue / scale))
  return deviation / Math.sqrt(years)
}

/** How far a trial deviation is above the root, in some increasing measure, and the measure's slope. */
type Residual = { excess: number; slope: number }

/** Newton's method kept inside a bracket that only shrinks. */
function solve(residual: (s: number) => Residual, start: number): number {
  let s = start
  let low = 0
  let high = Infinity
  let previousStep = Infinity
  for (let i = 0; i < ITERATIONS_MAX; i++) {
    const { excess, slope } = residual(s)
    if (excess === 0) return s
    if (excess > 0) high = s
    else low = s
    let next = s - excess / slope
    if (!(next > low && next < high)) next = high === Infinity ? s * 2 : (low + high) / 2
    const step = Math.abs(next - s)
    if (step <= STEP_MIN * s || (step >= previousStep && step <= 8 * STEP_MIN * s)) return next
    previousStep = step
    s = next
  }
  return s
}

/** Below the inflection (−2 ln b)^(−1/2) is nearly linear in s, since ln b ≈ −x²/2s². */
function lowerResidual(x: number, s: number, logTarget: number): Residual {
  const spread = millsDifference(x / s, s / 2)
  const minusTwoLog = -2 * logOf(x, s, spread)
  const measure = 1 / Math.sqrt(minusTwoLog)
  return {
    excess: measure - 1 / Math.sqrt(-2 * logTarget),
    slope: measure / (minusTwoLog * spread),
  }
}

/** Between the inflection and half of the most it can be, the price itself is nearly linear in s. */
function middleResidual(x: number, s: number, logTarget: number): Residual {
  if (x / s + s / 2 > 8) return { excess: Infinity, slope: 1 }
  const spread = millsDifference(x / s, s / 2)
  return { excess: logOf(x, s, spread) - logTarget, slope: 1 / spread }
}

/** Above half of the most it can be, √(−2 ln of the gap to the most) is nearly linear in s. */
function upperResidual(x: number, s: number, logTarget: number): Residual {
  const h = x / s
  const t = s / 2
  const gap = mills(-h - t) + mills(h - t)
  const minusTwoLog = -2 * (logOf(x, s, gap) - x / 2)
  const measure = Math.sqrt(Math.max(minusTwoLog, 0))
  const target = Math.sqrt(-2 * (logTarget - x / 2))
  return { excess: measure - target, slope: 1 / (Math.max(measure, 1e-3) * gap) }
}

/** ln b(x, s): b is the out-of-the-money price over √(forward × strike). */
function logNormalisedPrice(x: number, s: number): number {
  return logOf(x, s, millsDifference(x / s, s / 2))
}

/** ln of spread × φ-factor, where every price and gap is spread × e^(−(h² + t²)/2) / √2π. */
function logOf(x: number, s: number, spread: number): number {
  const h = x / s
  return -0.5 * (h * h + 0.25 * s * s) - LOG_SQRT_2PI + logarithm(spread)
}

/** N(z)/φ(z). */
function mills(z: number): number {
  const argument = -z * INVERSE_SQRT_2
  if (argument >= 0) return SQRT_HALF_PI * scaledComplementaryErrorFunction(argument)
  const square = argument * argument
  return SQRT_HALF_PI * (2 * exponential(square) - scaledComplementaryErrorFunction(-argument))
}

/**
 * N(h + t)/φ(h + t) − N(h − t)/φ(h − t) for h ≤ 0 < t. Small differences come from the Taylor
 * series in t, whose coefficients obey Y⁽ⁿ⁾ = h Y⁽ⁿ⁻¹⁾ + (n − 1) Y⁽ⁿ⁻²⁾.
 */
function millsDifference(h: number, t: number): number {
  if (t > 0.25 || -2 * h * t > 1) return mills(h + t) - mills(h - t)
  const odd: number[] = []
  let older = mills(h)
  let newer = 1 + h * older
  let factorial = 1
  for (let n = 1; n <= 15; n += 2) {
    odd.unshift(newer / factorial)
    const even = h * newer + n * older
    const nextOdd = h * even + (n + 1) * newer
    older = even
    newer = nextOdd
    factorial *= (n + 1) * (n + 2)
  }
  return 2 * t * horner(odd, t * t)
}

/** A start from the price at the money: b ≈ s/√2π, moved out by |x|. */
function startAtTheMoney(x: number, price: number): number {
  return SQRT_2PI * price - x
}
