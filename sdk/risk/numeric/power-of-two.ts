const LOWEST = -1022
const HIGHEST = 1023

/** 2^k for every normal exponent, made by exact doubling and halving. */
const POWERS = makePowers()

/**
 * Computes `x × 2^k`, exact unless the result is subnormal or overflows.
 *
 * @param k - Integer, −2100 ≤ k ≤ 2100.
 */
export function scaleByPowerOfTwo(x: number, k: number): number {
  if (k < LOWEST) return x * power(LOWEST + 60) * power(Math.max(k - LOWEST - 60, LOWEST))
  if (k > HIGHEST) return x * power(HIGHEST) * power(k - HIGHEST)
  return x * power(k)
}

/**
 * Splits a positive finite number: `x = fraction × 2^exponent`, fraction in `[1, 2)`.
 *
 * @param x - > 0, finite; subnormal numbers too.
 */
export function splitExponent(x: number): { fraction: number; exponent: number } {
  let fraction = x
  let exponent = 0
  // Ratios of strikes and forwards are near 1.
  if (x >= 0.5 && x < 2)
    return x < 1 ? { fraction: 2 * x, exponent: -1 } : { fraction: x, exponent }
  for (let step = 512; step >= 1; step /= 2) {
    if (fraction >= power(step)) {
      fraction *= power(-step)
      exponent += step
    }
  }
  for (let step = 512; step >= 1; step /= 2) {
    if (fraction < power(1 - step)) {
      fraction *= power(step)
      exponent -= step
    }
  }
  // A subnormal number may need more than 1,023 halvings.
  while (fraction < 1) {
    fraction *= 2
    exponent -= 1
  }
  return { fraction, exponent }
}

function power(k: number): number {
  return POWERS[k - LOWEST] as number
}

function makePowers(): Float64Array {
  const powers = new Float64Array(HIGHEST - LOWEST + 1)
  powers[-LOWEST] = 1
  for (let k = 1; k <= HIGHEST; k++) powers[k - LOWEST] = (powers[k - 1 - LOWEST] as number) * 2
  for (let k = -1; k >= LOWEST; k--) powers[k - LOWEST] = (powers[k + 1 - LOWEST] as number) / 2
  return powers
}
