import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnsOf } from '../../../sdk/risk/arrays/columns.ts'
import { writeExpiryRecord } from '../../../sdk/risk/arrays/expiry-record.ts'
import { priceOption } from '../../../sdk/risk/black76.ts'
import { greeks } from '../../../sdk/risk/greeks.ts'
import {
  batchGreeks,
  GREEK_COLUMNS,
  OPTION_COLUMNS,
  type GreekColumns,
  type OptionColumns,
} from '../../../sdk/risk/kernel/batch-greeks.ts'
import { FREE_ADDRESS, makeKernelMemory, openKernels } from '../../../sdk/risk/kernel/instance.ts'
import {
  EXPIRY_BYTES,
  EXPIRY_WORDS,
  ROW_BYTES,
  ROW_WORDS,
  SCRATCH_BYTES,
} from '../../../sdk/risk/kernel/layout.ts'
import { strikeRows, strikeVolatilities } from '../../../sdk/risk/kernel/strike-rows.ts'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { ExpiryMarket, UnderlyingMarket } from '../../../sdk/risk/portfolio.ts'
import { scenarioValue } from '../../../sdk/risk/shocks.ts'
import { surfaceVolatility } from '../../../sdk/risk/svi.ts'
import { runs } from './runs.ts'

const PARAMETERS: RiskParameters = { ...BASE_PARAMETERS, version: 1, collaterals: [] }
const COLUMNS = columnsOf(PARAMETERS)
const PAGES = 16
const memory = makeKernelMemory(PAGES, false)
const kernels = openKernels(memory, { pages: PAGES, shared: false })

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })

const option = fc.record({
  sign: fc.constantFrom(1, -1),
  forwardUsd: between(0.01, 500_000),
  moneyness: fc.oneof(between(0.2, 5), between(0.99, 1.01), fc.constant(1), between(1e-6, 1e6)),
  volatility: fc.oneof(between(0.01, 4), fc.constantFrom(0, 1e-9, 12)),
  years: fc.oneof(between(1e-6, 3), fc.constantFrom(0, 1 / 365)),
  ratePerYear: between(-0.2, 0.5),
})

type Columns = { options: OptionColumns; results: GreekColumns }

function columns(make: () => Float64Array): Columns {
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, make()]))
  return { options: named(OPTION_COLUMNS), results: named(GREEK_COLUMNS) } as unknown as Columns
}

test('the vector kernel gives prices and Greeks of the same bits as the one in TypeScript', () => {
  const property = fc.property(fc.array(option, { minLength: 1, maxLength: 9 }), (given) => {
    const count = given.length + (given.length % 2)
    const addresses: number[] = []
    const own = columns(() => {
      addresses.push(FREE_ADDRESS + 8 * count * addresses.length)
      return new Float64Array(memory.buffer, addresses.at(-1), count).fill(1)
    })
    const { options } = own
    for (const [i, { moneyness, ...values }] of given.entries()) {
      const discount = Math.exp(-values.ratePerYear * values.years)
      const row = { ...values, discount, strikeUsd: values.forwardUsd * moneyness }
      for (const name of OPTION_COLUMNS) options[name][i] = row[name]
    }
    kernels.greeks(count, ...addresses)
    const oracle = columns(() => new Float64Array(count)).results
    batchGreeks(options, oracle, 0, given.length)
    for (const name of GREEK_COLUMNS) {
      const got = [...own.results[name]].slice(0, given.length)
      expect({ [name]: got }).toEqual({ [name]: [...oracle[name]].slice(0, given.length) })
    }
    for (const [i] of given.entries()) expectAsReference(own, i)
  })
  fc.assert(property, runs(400))
})

function expectAsReference({ options, results }: Columns, i: number): void {
  const at = (name: (typeof OPTION_COLUMNS)[number]) => options[name][i] as number
  const inputs = {
    right: at('sign') > 0 ? ('call' as const) : ('put' as const),
    forwardUsd: at('forwardUsd'),
    strikeUsd: at('strikeUsd'),
    volatility: at('volatility'),
    years: at('years'),
    discount: at('discount'),
  }
  const size = Math.max(inputs.forwardUsd, inputs.strikeUsd) * inputs.discount
  const price = results.priceUsd[i] as number
  expect(Math.abs(price - priceOption(inputs))).toBeLessThanOrEqual(1e-15 * size)
  const expected = greeks(inputs, at('ratePerYear'))
  const near = (name: 'delta' | 'gamma' | 'vega' | 'theta' | 'rho', scale: number) => {
    const error = Math.abs((results[name][i] as number) - expected[name])
    expect(error).toBeLessThanOrEqual(1e-12 * (scale + Math.abs(expected[name])))
  }
  near('delta', 1)
  near('vega', size * 1e-3)
  near('theta', size)
  near('rho', size)
  // A strip of 10^-12 in log-moneyness is all that rounding can move a spike of gamma by.
  if (inputs.volatility * Math.sqrt(inputs.years) > 1e-3) near('gamma', 1 / inputs.forwardUsd)
}

const expiry = fc.record({
  seconds: fc.oneof(
    fc.integer({ min: 1, max: 1_800 }),
    fc.integer({ min: 1_801, max: 63_000_000 }),
  ),
  forwardUsd: between(0.5, 200_000),
  ratePerYear: between(-0.1, 0.4),
  variance: between(0.0001, 2),
  rho: between(-0.9, 0.9),
  averageSoFar: between(0.9, 1.1),
  moneyness: fc.array(between(0.1, 8), { minLength: 2, maxLength: 2 }),
})

test('V24: a risk array holds what full repricing gives, to half a micro-dollar per contract, the same bits in both kernels', () => {
  const property = fc.property(expiry, (given) => {
    const { market, underlying } = marksOf(given)
    const base = FREE_ADDRESS
    const record = new Float64Array(memory.buffer, base, EXPIRY_WORDS)
    const strikeUsd = given.moneyness.map((ratio) => given.forwardUsd * ratio)
    const options = { market, underlying, parameters: PARAMETERS, columns: COLUMNS }
    const terms = writeExpiryRecord(record, { ...options, strikeUsdMax: Math.max(...strikeUsd) })
    const strikes = base + EXPIRY_BYTES
    const rows = strikes + 3 * 16
    const scratch = rows + 4 * ROW_BYTES
    const smiles = scratch + SCRATCH_BYTES
    const columnAt = [0, 1, 2].map((i) => new Float64Array(memory.buffer, strikes + 16 * i, 2))
    columnAt[0]?.set(strikeUsd)
    new Int32Array(memory.buffer, smiles, ROW_WORDS).set(
      COLUMNS.list.map(({ smile }) => 48 * smile),
    )
    kernels.volatilities(base, strikes, strikes + 16, 16, 32)
    kernels.rows(base, strikes, strikes + 16, 16, 32, rows, scratch, smiles, COLUMNS.list.length)

    const own = {
      strikeUsd: Float64Array.from(strikeUsd),
      logMoneyness: new Float64Array(2),
      volatility: new Float64Array(2),
    }
    strikeVolatilities(record, own, 0, 2)
    expect([...own.logMoneyness, ...own.volatility]).toEqual([
      ...(columnAt[1] as Float64Array),
      ...(columnAt[2] as Float64Array),
    ])
    const oracle = new Uint32Array(4 * 2 * ROW_WORDS)
    strikeRows({
      expiry: record,
      strikes: own,
      from: 0,
      to: 2,
      smiles: COLUMNS.list.map(({ smile }) => smile),
      rows: oracle,
    })
    const words = new BigInt64Array(memory.buffer, rows, 4 * ROW_WORDS)
    for (const [i, strike] of strikeUsd.entries()) {
      const volatility = surfaceVolatility(market.surface!, terms.forwardUsd, strike)
      for (const [side, right] of (['call', 'put'] as const).entries()) {
        const row = (2 * i + side) * ROW_WORDS
        for (const [s, scenario] of PARAMETERS.scenarios.entries()) {
          const series = { right, strikeUsd: strike, volatility }
          const full = scenarioValue(series, terms, scenario, PARAMETERS)
          const word = Number(words[row + s])
          const slack = 0.5 + 1e-9 * Math.max(given.forwardUsd, strike)
          expect(Math.abs(word - full * 1e6)).toBeLessThanOrEqual(slack)
          expect([oracle[2 * (row + s)], oracle[2 * (row + s) + 1]]).toEqual([
            word % 2 ** 32,
            Math.floor(word / 2 ** 32),
          ])
        }
      }
    }
  })
  fc.assert(property, runs(100))
})

function marksOf(given: {
  seconds: number
  forwardUsd: number
  ratePerYear: number
  variance: number
  rho: number
  averageSoFar: number
}): { market: ExpiryMarket; underlying: UnderlyingMarket } {
  const { seconds, forwardUsd, ratePerYear, variance, rho, averageSoFar } = given
  const market: ExpiryMarket = {
    expiryS: seconds,
    secondsToExpiry: seconds,
    forwardUsd,
    averageSoFarUsd: forwardUsd * averageSoFar,
    ratePerYear,
    forwardConfidence: 1,
    rateConfidence: 1,
    volatilityConfidence: 1,
    surface: {
      a: variance / 2,
      b: variance / 2,
      rho,
      m: 0.01,
      s: 0.2,
      years: seconds / 31_536_000,
    },
  }
  const spot = { underlying: 1, spotUsd: forwardUsd, spotConfidence: 1 }
  return { market, underlying: { ...spot, expiries: [market] } }
}
