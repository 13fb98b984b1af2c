/**
 * Evaluates a polynomial by Horner's rule.
 *
 * @param coefficients - Highest power first, at least one.
 */
export function horner(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (const coefficient of coefficients) sum = sum * x + coefficient
  return sum
}
