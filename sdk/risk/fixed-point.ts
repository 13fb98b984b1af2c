import { assert } from '../protocol/assert.ts'
import { type Size18, type Usd18, usd18 } from '../protocol/units.ts'

const E18 = 10n ** 18n
const TWO_53 = 9_007_199_254_740_992

/**
 * Turns dollars as a double into 18 decimals, rounded toward −∞: for balances a user is told he has.
 *
 * The double is taken as the exact fraction that it is; no decimal text is involved.
 *
 * @throws InvariantError when the figure is not finite.
 * @example
 * toUsd18Down(0.1) // 100000000000000005n
 */
export function toUsd18Down(valueUsd: number): Usd18 {
  const { numerator, denominator } = exactFraction(valueUsd)
  const scaled = numerator * E18
  const quotient = scaled / denominator
  return usd18(scaled < 0n && quotient * denominator !== scaled ? quotient - 1n : quotient)
}

/**
 * Turns dollars as a double into 18 decimals, rounded toward +∞: for requirements and what a user owes.
 *
 * @throws InvariantError when the figure is not finite.
 * @example
 * toUsd18Up(0.1) // 100000000000000006n
 */
export function toUsd18Up(valueUsd: number): Usd18 {
  return usd18(0n - toUsd18Down(-valueUsd))
}

/**
 * Turns a whole number of a unit's fractions into a double of the unit, rounded to nearest.
 *
 * @param decimals - 0 to 18.
 */
export function fromFixed(value: bigint, decimals: number): number {
  const scale = 10n ** BigInt(decimals)
  const whole = value / scale
  const rest = value - whole * scale
  return Number(whole) + Number(rest) / Number(scale)
}

/** Gives dollars with 18 decimals as a double, within an ulp. */
export function fromUsd18(value: Usd18): number {
  return fromFixed(value, 18)
}

/** Gives a size with 18 decimals in contracts, within an ulp. */
export function fromSize18(value: Size18): number {
  return fromFixed(value, 18)
}

/** A finite double as numerator over a power of two. */
function exactFraction(value: number): { numerator: bigint; denominator: bigint } {
  assert(Number.isFinite(value), 'a figure to be rounded is finite')
  let scaled = value
  let denominator = 1n
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    denominator *= 2n
  }
  // A double of 2^53 and more is whole, and BigInt takes it exactly.
  assert(Math.abs(scaled) < TWO_53 || denominator === 1n, 'a scaled fraction has 53 bits')
  return { numerator: BigInt(scaled), denominator }
}
