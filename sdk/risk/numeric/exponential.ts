import { horner } from './polynomial.ts'
import { scaleByPowerOfTwo } from './power-of-two.ts'

const LOG2_E = 1.4426950408889634
/** ln 2 in two parts; the first has 32 significant bits, so that k × LN2_HIGH is exact. */
const LN2_HIGH = 0.6931471804855391
const LN2_LOW = 7.440617110012397e-11

/** 1/n! for n = 14 down to 2: (e^r − 1 − r) / r² for |r| ≤ 0.3466, remainder below 2^-57. */
const REDUCED_SERIES = [
  1 / 87_178_291_200,
  1 / 6_227_020_800,
  1 / 479_001_600,
  1 / 39_916_800,
  1 / 3_628_800,
  1 / 362_880,
  1 / 40_320,
  1 / 5_040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  1 / 2,
] as const

const OVERFLOW = 709.782712893384
const UNDERFLOW = -745.1332191019412

/**
 * Computes e^x from + − × alone, the same bits on every engine.
 *
 * @returns Error below 0.6 ulp for normal results; 0 below −745.13, `Infinity` above 709.78.
 */
export function exponential(x: number): number {
  return exponentialOfSum(x, 0)
}

/**
 * Computes e^(x + tail), where `tail` holds what `x` lost by rounding.
 *
 * @param tail - |tail| ≤ 2^-40 × max(1, |x|).
 * @returns Error below 0.6 ulp for normal results.
 */
export function exponentialOfSum(x: number, tail: number): number {
  if (x !== x) return x
  if (x > OVERFLOW) return Infinity
  if (x < UNDERFLOW) return 0

  const k = Math.round(x * LOG2_E)
  const nearest = x - k * LN2_HIGH
  const correction = k * LN2_LOW - tail
  const r = nearest - correction
  const rTail = nearest - r - correction

  // 1 + r is split exactly, so the polynomial's own rounding stays far below the last bit.
  const q = r * r * horner(REDUCED_SERIES, r)
  const sum = 1 + r
  const sumTail = r - (sum - 1)
  return scaleByPowerOfTwo(sum + (sumTail + (q + rTail * sum)), k)
}
