/**
 * Splits in 53-bit arithmetic: exact sums and products as a rounded value and its rounding error.
 * Only + − × are used, so every IEEE 754 engine gives the same bits.
 */

const SPLITTER = 134_217_729

/**
 * Gives the rounding error of `a + b`: `a + b === fl(a + b) + sumError(a, b)` exactly.
 *
 * @see Knuth, TAOCP vol. 2, section 4.2.2, theorem B.
 */
export function sumError(a: number, b: number): number {
  const sum = a + b
  const bPart = sum - a
  return a - (sum - bPart) + (b - bPart)
}

/**
 * Gives the rounding error of `a * b`: `a * b === fl(a * b) + productError(a, b)` exactly,
 * for |a|, |b| < 2^996 and no underflow.
 *
 * @see Dekker (1971), "A floating-point technique for extending the available precision".
 */
export function productError(a: number, b: number): number {
  const product = a * b
  const aWide = SPLITTER * a
  const aHigh = aWide - (aWide - a)
  const aLow = a - aHigh
  const bWide = SPLITTER * b
  const bHigh = bWide - (bWide - b)
  const bLow = b - bHigh
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow
}
