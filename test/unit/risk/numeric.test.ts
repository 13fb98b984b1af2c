import { expect, test } from 'vitest'
import {
  complementaryErrorFunction,
  scaledComplementaryErrorFunction,
} from '../../../sdk/risk/numeric/error-function.ts'
import { exponential } from '../../../sdk/risk/numeric/exponential.ts'
import { logarithm } from '../../../sdk/risk/numeric/logarithm.ts'
import { normalDensity, normalDistribution } from '../../../sdk/risk/numeric/normal.ts'
import { scaleByPowerOfTwo, splitExponent } from '../../../sdk/risk/numeric/power-of-two.ts'
import { power } from '../../../sdk/risk/numeric/power.ts'
import {
  BITS,
  errorFunctionReference,
  errorInUlps,
  exponentialReference,
  fixedOf,
  logarithmReference,
} from './reference.ts'

/** Numbers between two bounds, spread without a pattern that a series could like. */
function spread(from: number, to: number, count: number): number[] {
  return Array.from(
    { length: count },
    (_, i) => from + (to - from) * ((i * 0.618_033_988_749_894_9 + 0.137) % 1),
  )
}

test('e^x is within 0.6 units of the last place', () => {
  const arguments_ = [...spread(-1, 1, 300), ...spread(-60, 60, 200), 0, 1, -1, 1e-300, 2 ** -30]
  for (const x of arguments_) {
    const error = errorInUlps(exponential(x), exponentialReference(fixedOf(x)))
    expect(error, `e^${x}`).toBeLessThan(0.6)
  }
})

test('e^x ends in 0 and Infinity, and underflows gradually', () => {
  expect(exponential(-746)).toBe(0)
  expect(exponential(710)).toBe(Infinity)
  expect(exponential(709.78)).toBeGreaterThan(1.7e308)
  expect(exponential(-740)).toBeGreaterThan(0)
  expect(exponential(NaN)).toBeNaN()
  expect(exponential(0)).toBe(1)
})

test('ln x is within 0.6 units of the last place, also beside 1', () => {
  const near = spread(-1e-6, 1e-6, 50).map((x) => 1 + x)
  const arguments_ = [...spread(1e-3, 3, 200), ...spread(3, 1e6, 100), ...near, 2 ** -60, 2 ** 70]
  for (const x of arguments_) {
    if (x === 1) continue
    const result = logarithm(x)
    const error = errorInUlps(result, logarithmReference(fixedOf(x), result))
    expect(error, `ln ${x}`).toBeLessThan(0.6)
  }
})

test('ln knows its edges', () => {
  expect(logarithm(1)).toBe(0)
  expect(logarithm(0)).toBe(-Infinity)
  expect(logarithm(-1)).toBeNaN()
  expect(logarithm(Infinity)).toBe(Infinity)
  expect(logarithm(5e-324)).toBeCloseTo(-744.440_071_921_381_2, 10)
  expect(logarithm(Number.MAX_VALUE)).toBeCloseTo(709.782_712_893_384, 10)
})

test('erfc x is within 3.1 units of the last place on both sides, far into the tail', () => {
  const one = 1n << BITS
  for (const x of [...spread(-6, 0, 100), ...spread(0, 1, 200), ...spread(1, 9, 150)]) {
    const exact = one - errorFunctionReference(fixedOf(x))
    expect(errorInUlps(complementaryErrorFunction(x), exact), `erfc ${x}`).toBeLessThan(3.1)
  }
  expect(complementaryErrorFunction(0)).toBe(1)
  expect(complementaryErrorFunction(40)).toBe(0)
  expect(complementaryErrorFunction(-40)).toBe(2)
  expect(scaledComplementaryErrorFunction(Infinity)).toBe(0)
})

test('N(x) is within 3.2 units of the last place and symmetric', () => {
  const one = 1n << BITS
  const rootHalf = 0.707_106_781_186_547_5
  for (const x of [...spread(-12, 0, 150), ...spread(0, 6, 100)]) {
    // √½ is no double: the reference takes x/√2 from the square.
    const argument = (fixedOf(x) * rootOfHalf()) >> BITS
    const exact = (one + errorFunctionReference(argument)) / 2n
    expect(errorInUlps(normalDistribution(x), exact), `N(${x})`).toBeLessThan(3.2)
    expect(normalDistribution(x) + normalDistribution(-x)).toBeCloseTo(1, 15)
  }
  expect(normalDistribution(0)).toBe(0.5)
  expect(normalDensity(0)).toBeCloseTo(rootHalf * 0.564_189_583_547_756_3, 15)
  expect(normalDistribution(-41)).toBe(0)
})

test('x^p is within two units of the last place for the powers of the model', () => {
  for (const base of spread(0.01, 40, 100)) {
    for (const exponent of [0.3, 0.13]) {
      const guess = logarithm(base)
      const exact = exponentialReference(
        (logarithmReference(fixedOf(base), guess) * fixedOf(exponent)) >> BITS,
      )
      expect(errorInUlps(power(base, exponent), exact), `${base}^${exponent}`).toBeLessThan(2)
    }
  }
})

test('a number comes apart into fraction and exponent and together again', () => {
  for (const x of [1, 1.5, 2, 0.3, 1e300, 1e-300, 5e-324, Number.MAX_VALUE, 2 ** -1_022]) {
    const { fraction, exponent } = splitExponent(x)
    expect(fraction).toBeGreaterThanOrEqual(1)
    expect(fraction).toBeLessThan(2)
    expect(scaleByPowerOfTwo(fraction, exponent)).toBe(x)
  }
})

function rootOfHalf(): bigint {
  const target = 1n << (2n * BITS - 1n)
  let x = 1n << BITS
  for (;;) {
    const next = (x + target / x) >> 1n
    if (next >= x) return x
    x = next
  }
}
