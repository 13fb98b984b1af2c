import {
  ARTANH_SERIES as L,
  EXPONENTIAL_SERIES as E,
  EXPONENT_MIN,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  ROUND_ANY,
  SQRT_2,
  TAIL_DENOMINATOR as Q,
  TAIL_NUMERATOR as P,
} from './coefficients.ts'
import { splitExponent } from '../numeric/power-of-two.ts'

/** 2^k for −1022 ≤ k ≤ 0 at index k + 1022. */
const POWERS = Float64Array.from({ length: 1023 }, (_, i) => 1 / 2 ** (1022 - i))

/**
 * Computes e^x for x ≤ 0 as the batch kernels do: e^−700 below −700.
 *
 * @returns Error below 1 ulp.
 */
export function decay(x: number): number {
  const held = x < EXPONENT_MIN ? EXPONENT_MIN : x
  const k = held * LOG2_E + ROUND_ANY - ROUND_ANY
  const r = held - k * LN2_HIGH - k * LN2_LOW
  // Polynomials stand written out: this is the innermost code of every price.
  let p: number = E[0]
  p = p * r + E[1]
  p = p * r + E[2]
  p = p * r + E[3]
  p = p * r + E[4]
  p = p * r + E[5]
  p = p * r + E[6]
  p = p * r + E[7]
  p = p * r + E[8]
  p = p * r + E[9]
  p = p * r + E[10]
  p = p * r + E[11]
  return (1 + (r + r * r * p)) * (POWERS[k + 1022] as number)
}

/**
 * Computes ln y for a positive normal number as the batch kernels do.
 *
 * @returns Error below 2 ulp.
 */
export function naturalLogarithm(y: number): number {
  let m = y
  let e = 0
  if (!(y > SQRT_2 / 2 && y <= SQRT_2)) {
    const split = splitExponent(y)
    m = split.fraction
    e = split.exponent
    if (m > SQRT_2) {
      m *= 0.5
      e += 1
    }
  }
  const s = (m - 1) / (m + 1)
  const z = s * s
  let p: number = L[0]
  p = p * z + L[1]
  p = p * z + L[2]
  p = p * z + L[3]
  p = p * z + L[4]
  p = p * z + L[5]
  p = p * z + L[6]
  p = p * z + L[7]
  p = p * z + L[8]
  p = p * z + L[9]
  const twice = s + s
  return e * LN2_HIGH + (twice + (twice * (z * p) + e * LN2_LOW))
}

/**
 * Computes e^(x²/2) N(−x) for `0 ≤ x ≤ 1e15` as the batch kernels do.
 *
 * @returns In `(0, 0.5]`, error below 3 ulp.
 */
export function tailRatio(x: number): number {
  let p: number = P[0]
  p = p * x + P[1]
  p = p * x + P[2]
  p = p * x + P[3]
  p = p * x + P[4]
  p = p * x + P[5]
  p = p * x + P[6]
  p = p * x + P[7]
  p = p * x + P[8]
  p = p * x + P[9]
  let q: number = Q[0]
  q = q * x + Q[1]
  q = q * x + Q[2]
  q = q * x + Q[3]
  q = q * x + Q[4]
  q = q * x + Q[5]
  q = q * x + Q[6]
  q = q * x + Q[7]
  q = q * x + Q[8]
  q = q * x + Q[9]
  q = q * x + Q[10]
  return p / q
}
