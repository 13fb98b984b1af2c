/**
 * References of high precision for the functions of `sdk/risk/numeric`: fixed-point numbers with
 * 600 bits behind the point, computed from series in whole numbers.
 */
export const BITS = 600n
const ONE = 1n << BITS

/** A fixed-point number: value × 2^600. */
export type Fixed = bigint

/** The exact value of a double. */
export function fixedOf(value: number): Fixed {
  let scaled = value
  let bits = 0n
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    bits += 1n
  }
  const whole = BigInt(scaled)
  return bits <= BITS ? whole << (BITS - bits) : whole >> (bits - BITS)
}

/** e^x by halving the argument, Taylor's series and squaring. */
export function exponentialReference(x: Fixed): Fixed {
  const halvings = 40n
  const small = x >> halvings
  let term = ONE
  let sum = ONE
  for (let n = 1n; term !== 0n && n < 200n; n++) {
    term = (term * small) / (n << BITS)
    sum += term
  }
  for (let i = 0n; i < halvings; i++) sum = (sum * sum) >> BITS
  return sum
}

/** ln x by Newton's method on e^y = x, from a double's guess. */
export function logarithmReference(x: Fixed, guess: number): Fixed {
  let y = fixedOf(guess)
  for (let i = 0; i < 4; i++) {
    const power = exponentialReference(y)
    y += (2n * (x - power) * ONE) / (x + power)
  }
  return y
}

/** erf x = 2/√π Σ (−1)^n x^(2n+1) / (n! (2n+1)); good to |x| ≤ 10. */
export function errorFunctionReference(x: Fixed): Fixed {
  const square = (x * x) >> BITS
  let power = x
  let sum = x
  for (let n = 1n; n < 1_000n && power !== 0n; n++) {
    power = -(power * square) / (n << BITS)
    sum += power / (2n * n + 1n)
  }
  return (2n * sum * ONE) / rootOf(pi() << BITS)
}

/** |actual − exact| in units of the last place of the exact value. */
export function errorInUlps(actual: number, exact: Fixed): number {
  const difference = fixedOf(actual) - exact
  return Math.abs(Number(difference >> (BITS - 200n)) / 2 ** 200) / ulp(Math.abs(toNumber(exact)))
}

/** Product of two fixed-point numbers. */
export function times(a: Fixed, b: Fixed): Fixed {
  return (a * b) >> BITS
}

/** Quotient of two fixed-point numbers. */
export function over(a: Fixed, b: Fixed): Fixed {
  return (a << BITS) / b
}

/** Square root of a fixed-point number. */
export function squareRootReference(x: Fixed): Fixed {
  return x === 0n ? 0n : rootOf(x << BITS)
}

/** Standard normal distribution; good to |x| ≤ 14. */
export function normalReference(x: Fixed): Fixed {
  const argument = over(x, squareRootReference(2n * ONE))
  return (ONE + errorFunctionReference(argument)) / 2n
}

/** Standard normal density. */
export function densityReference(x: Fixed): Fixed {
  return over(exponentialReference(-times(x, x) / 2n), squareRootReference(2n * pi()))
}

/** The nearest double of a fixed-point number, within an ulp. */
export function toNumber(value: Fixed): number {
  const size = value < 0n ? -value : value
  const shift = BigInt(Math.max(size.toString(2).length - 64, 0))
  const exponent = Number(shift - BITS)
  const result = Number(size >> shift) * 2 ** Math.max(exponent, -1_000)
  return value < 0n ? -result : result
}

function ulp(value: number): number {
  let power = 2 ** -1_022
  while (power * 2 <= value) power *= 2
  return power * 2 ** -52
}

/** π by Machin's formula. */
function pi(): Fixed {
  const arctangentOfInverse = (n: bigint): Fixed => {
    let power = ONE / n
    let sum = power
    for (let k = 1n; power !== 0n; k++) {
      power = -power / (n * n)
      sum += power / (2n * k + 1n)
    }
    return sum
  }
  return 16n * arctangentOfInverse(5n) - 4n * arctangentOfInverse(239n)
}

/** Whole square root by Newton's method. */
function rootOf(value: bigint): bigint {
  let x = 1n << BigInt((value.toString(2).length >> 1) + 1)
  for (;;) {
    const next = (x + value / x) >> 1n
    if (next >= x) return x
    x = next
  }
}
