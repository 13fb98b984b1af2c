/**
 * Evaluates a polynomial by Horner's rule.
 *
 * @param coefficients - Highest power first, at least one.
 */
export function horner(coefficients: readonly number[], x: number): number {
  let sum = 0
  // An index instead of an iterator: this is the innermost loop of every price.
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + (coefficients[i] as number)
  return sum
}
