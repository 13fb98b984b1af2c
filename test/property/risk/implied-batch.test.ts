import fc from 'fast-check'
import { expect, test } from 'vitest'
import { priceOption } from '../../../sdk/risk/black76.ts'
import { impliedVolatility } from '../../../sdk/risk/implied-volatility.ts'
import { batchVolatilities, PRICE_COLUMNS } from '../../../sdk/risk/kernel/batch-volatility.ts'
import { makeImpliedBatch } from '../../../sdk/risk/kernel/implied-batch.ts'
import { FREE_ADDRESS, makeKernelMemory, openKernels } from '../../../sdk/risk/kernel/instance.ts'
import { runs } from './runs.ts'

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })
const ROOM = 10
const PAGES = 2
const memory = makeKernelMemory(PAGES, false)
const kernels = openKernels(memory, { pages: PAGES, shared: false })
const batch = makeImpliedBatch(ROOM)

const quote = fc
  .record({
    right: fc.constantFrom('call' as const, 'put' as const),
    forwardUsd: between(0.1, 200_000),
    moneyness: fc.oneof(between(0.3, 3), between(0.999, 1.001), fc.constant(1)),
    volatility: fc.oneof(between(0.05, 3), between(0.001, 8)),
    years: fc.oneof(between(0.001, 2), fc.constant(1)),
    factor: fc.oneof(fc.constant(1), fc.constantFrom(0.2, 0.9, 1.7, 100)),
  })
  .map(({ moneyness, factor, ...given }) => {
    const series = { ...given, strikeUsd: given.forwardUsd * moneyness, discount: 1 }
    return { ...series, priceUsd: priceOption(series) * factor }
  })
const quotes = fc.array(quote, { minLength: 1, maxLength: ROOM })
type Quote = typeof quote extends fc.Arbitrary<infer T> ? T : never

function write(prices: typeof batch.prices, given: readonly Quote[]): void {
  for (const [i, item] of given.entries()) {
    prices.sign[i] = item.right === 'call' ? 1 : -1
    prices.priceUsd[i] = item.priceUsd
    prices.forwardUsd[i] = item.forwardUsd
    prices.strikeUsd[i] = item.strikeUsd
    prices.years[i] = item.years
  }
}

test('the vector kernel finds volatilities of the same bits as the one in TypeScript', () => {
  const property = fc.property(quotes, (given) => {
    const addresses = Array.from({ length: 6 }, (_, i) => FREE_ADDRESS + 8 * ROOM * i)
    const columns = addresses.map((at) => new Float64Array(memory.buffer, at, ROOM).fill(1))
    const prices = Object.fromEntries(
      PRICE_COLUMNS.map((name, i) => [name, columns[i]]),
    ) as unknown as typeof batch.prices
    write(prices, given)
    kernels.implied(given.length + (given.length % 2), ...addresses)
    const oracle = new Float64Array(given.length)
    batchVolatilities(prices, oracle, 0, given.length)
    expect([...columns[5]!].slice(0, given.length)).toEqual([...oracle])
  })
  fc.assert(property, runs(300))
})

test('a batch finds what the scalar function finds, to 1e-13, and NaN where that finds nothing', () => {
  const property = fc.property(quotes, (given) => {
    write(batch.prices, given)
    batch.solve(given.length)
    for (const [i, item] of given.entries()) {
      const expected = impliedVolatility(item)
      const got = batch.volatility[i]!
      expect(differenceOf(got, expected)).toBeLessThanOrEqual(1e-13)
    }
  })
  fc.assert(property, runs(300))
})

/** Relative difference; nothing found is NaN, and a volatility of 0 is 0 alone. */
function differenceOf(got: number, expected: number | undefined): number {
  if (expected === undefined) return Number.isNaN(got) ? 0 : Infinity
  return expected === 0 ? Math.abs(got) : Math.abs(got / expected - 1)
}
