import { exponentialOfSum } from './exponential.ts'
import { logarithm } from './logarithm.ts'
import { productError } from './double-double.ts'

/**
 * Computes `base^exponent` from + − × ÷ alone, the same bits on every engine.
 *
 * @param base - > 0.
 * @returns Relative error below 2^-52 × (1 + |exponent × ln base|).
 */
export function power(base: number, exponent: number): number {
  const logBase = logarithm(base)
  const product = exponent * logBase
  return exponentialOfSum(product, productError(exponent, logBase))
}
