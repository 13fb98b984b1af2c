import { productError, sumError } from './double-double.ts'
import { horner } from './polynomial.ts'
import { splitExponent } from './power-of-two.ts'

const SQRT2 = 1.4142135623730951
const LN2_HIGH = 0.6931471804855391
const LN2_LOW = 7.440617110012397e-11

/** 1/(2k + 3), highest power of z first: (artanh(s)/s − 1)/s² at z = s² ≤ 0.0295, remainder below 2^-60. */
const ARTANH_SERIES = [
  1 / 25,
  1 / 23,
  1 / 21,
  1 / 19,
  1 / 17,
  1 / 15,
  1 / 13,
  1 / 11,
  1 / 9,
  1 / 7,
  1 / 5,
  1 / 3,
] as const

/**
 * Computes the natural logarithm from + − × ÷ alone, the same bits on every engine.
 *
 * @returns Error below 0.6 ulp; `-Infinity` for 0, `NaN` below 0, `Infinity` for `Infinity`.
 */
export function logarithm(x: number): number {
  if (x !== x || x === Infinity) return x
  if (x < 0) return NaN
  if (x === 0) return -Infinity

  let { fraction, exponent } = splitExponent(x)
  if (fraction > SQRT2) {
    fraction /= 2
    exponent += 1
  }

  // ln(fraction) = 2 artanh(s), s = (fraction − 1) / (fraction + 1), with s kept in two parts.
  const numerator = fraction - 1
  const denominator = fraction + 1
  const denominatorLow = sumError(fraction, 1)
  const s = numerator / denominator
  const product = s * denominator
  const remainder = numerator - product - productError(s, denominator) - s * denominatorLow
  const sLow = remainder / denominator

  const square = s * s
  const tail = 2 * sLow + 2 * s * square * horner(ARTANH_SERIES, square) + exponent * LN2_LOW
  const big = exponent * LN2_HIGH
  const sum = big + 2 * s
  return sum + (sumError(big, 2 * s) + tail)
}
