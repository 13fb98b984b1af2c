import { productError } from './double-double.ts'
import { scaledComplementaryErrorFunction } from './error-function.ts'
import { exponentialOfSum } from './exponential.ts'

const INVERSE_SQRT_2PI = 0.3989422804014327
const INVERSE_SQRT_2 = 0.7071067811865476

/**
 * Computes the standard normal density at x.
 *
 * @returns In `[0, 0.399]`, relative error below 2^-51 while normal.
 */
export function normalDensity(x: number): number {
  return INVERSE_SQRT_2PI * bell(x)
}

/**
 * Computes the standard normal distribution function: the chance of a value below x.
 *
 * @returns In `[0, 1]`, relative error below 2^-50 while normal, also far in the left tail.
 */
export function normalDistribution(x: number): number {
  const size = Math.abs(x)
  const tail = 0.5 * bell(size) * scaledComplementaryErrorFunction(size * INVERSE_SQRT_2)
  return x > 0 ? 1 - tail : tail
}

/** e^(−x²/2), with the rounding of x² made good. */
function bell(x: number): number {
  const size = Math.abs(x)
  if (size > 40) return 0
  return exponentialOfSum(-0.5 * size * size, -0.5 * productError(size, size))
}
