import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkMargin, type CheckedExpiry, scaled18 } from '../../../sdk/risk/arrays/check.ts'
import { columnsOf } from '../../../sdk/risk/arrays/columns.ts'
import {
  decodeRiskLeaf,
  encodeExpiryLeaf,
  encodeRiskLeaf,
  greekNearest15,
  leafHash,
  type RiskLeaf,
} from '../../../sdk/risk/arrays/leaf.ts'
import { openRiskEngine } from '../../../sdk/risk/engine/open-engine.ts'
import { EXPIRY } from '../../../sdk/risk/kernel/layout.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { KIND, packRiskKey, RIGHT } from '../../../sdk/protocol/ids.ts'
import { runs } from './runs.ts'

const PARAMETERS: RiskParameters = { ...BASE_PARAMETERS, version: 1, collaterals: [] }
const DAY_S = 86_400
const STRIKES = [40, 80, 100, 125, 250] as const
const CAPACITY = {
  underlyings: 2,
  expiries: 4,
  strikesPerExpiry: 6,
  assets: 1,
  accounts: 1,
  accountBytes: 1 << 16,
}
const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })

const given = fc.record({
  spotUsd: between(90, 110),
  volatility: between(0.1, 2),
  ratePerYear: between(0, 0.4),
  confidence: fc.constantFrom(1, 0.4),
  stableUsd: fc.constantFrom(1, 0.96),
  cashMicro: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
  positions: fc.uniqueArray(
    fc.record({
      days: fc.constantFrom(0, 3, 60),
      strikeUsd: fc.constantFrom(...STRIKES),
      right: fc.constantFrom('call' as const, 'put' as const),
      lots: fc.integer({ min: -300_000, max: 300_000 }),
    }),
    { selector: ({ days, strikeUsd, right }) => `${days} ${strikeUsd} ${right}`, maxLength: 20 },
  ),
})

test('V22, V24: the integer check from leaves agrees with full repricing and with the engine', () => {
  const property = fc.property(given, (values) => {
    const { spotUsd, stableUsd, cashMicro, positions } = values
    const market: RiskMarket = {
      stableUsd,
      underlyings: [
        {
          underlying: 1,
          spotUsd,
          spotConfidence: values.confidence,
          expiries: [0, 3, 60].map((days) => {
            const years = (days || 1) / 365
            const variance = values.volatility ** 2 * years
            return {
              expiryS: days * DAY_S,
              secondsToExpiry: days * DAY_S,
              forwardUsd: spotUsd,
              ratePerYear: values.ratePerYear,
              forwardConfidence: 1,
              rateConfidence: 1,
              volatilityConfidence: 1,
              surface: { a: variance / 2, b: variance, rho: -0.2, m: 0, s: 0.5, years },
            }
          }),
        },
      ],
      collaterals: [],
    }
    const { grid, greeks, accounts } = openRiskEngine({
      parameters: PARAMETERS,
      capacity: CAPACITY,
    })
    const options = positions.map(({ days, lots, ...series }) => ({
      instrument: grid.instrument({ ...series, underlying: 1, expiryS: days * DAY_S }),
      lots,
    }))
    accounts.set('a', { cashMicro, options, collaterals: [] })
    grid.mark(0, market)
    greeks.compute(0)
    const engine = accounts.markOne(0, 'a')

    const leaves = options.map(({ instrument, lots }) => {
      const { underlying, expiryS, strikeUsd, right } = instrument
      const strike8 = BigInt(strikeUsd) * 100_000_000n
      const key = packRiskKey({
        underlying,
        kind: KIND.option,
        expiryS,
        strike8,
        right: RIGHT[right],
      })
      const words = [...grid.row(0, instrument)]
      const { delta, gamma } = greeks.read(instrument)
      const leaf: RiskLeaf = {
        key,
        values6: words.slice(0, 33),
        mark6: words[columnsOf(PARAMETERS).mark]!,
        delta15: greekNearest15(delta),
        gamma15: greekNearest15(gamma),
      }
      expect(decodeRiskLeaf(encodeRiskLeaf(leaf))).toEqual(leaf)
      return {
        leaf,
        lots: BigInt(lots),
        strike8,
        expiryS,
        record: grid.expiryRecord(0, instrument),
      }
    })
    const expiries = [0, 3, 60].flatMap((days): CheckedExpiry[] => {
      const held = leaves.filter(({ expiryS }) => expiryS === days * DAY_S)
      const record = held[0]?.record
      if (record === undefined) return []
      const word = (name: keyof typeof EXPIRY) => record[EXPIRY[name]] as number
      const leaf = {
        underlying: 1,
        expiryS: days * DAY_S,
        discountPositive18: scaled18(word('discountPositive')),
        discountNegative18: scaled18(word('discountNegative')),
        basisWeight18: scaled18(word('basisWeight')),
        spot6: BigInt(Math.round(spotUsd * 1e6)),
        confidence18: scaled18(word('confidence')),
        confidenceWithPerpetual18: scaled18(word('confidenceWithPerpetual')),
        live: word('live') === 1,
      }
      expect(encodeExpiryLeaf(leaf)).toHaveLength(2 + 2 * 96)
      return [{ leaf, positions: held }]
    })
    const full = computeMargin(
      {
        cashUsd: cashMicro / 1e6,
        options: positions.map(({ days, lots, ...series }) => ({
          ...series,
          underlying: 1,
          expiryS: days * DAY_S,
          size: lots / 1e4,
        })),
        collaterals: [],
      },
      market,
      PARAMETERS,
    )
    const lossFactor18 = scaled18(full.initialLossFactor)
    const checked = checkMargin({ cash6: BigInt(cashMicro), expiries, lossFactor18 }, PARAMETERS)

    const contracts = positions.reduce((sum, { lots }) => sum + Math.abs(lots), 0) / 1e4
    const bound = 0.5 * contracts + 12
    expect(Math.abs(Number(checked.equity6) - full.equityUsd * 1e6)).toBeLessThanOrEqual(bound)
    const initial = Math.abs(Number(checked.initial6) - full.initialUsd * 1e6)
    // Spot is rounded to a micro-dollar too: it weighs on confidence and naked shorts.
    expect(initial).toBeLessThanOrEqual((1 + 1.2 * full.initialLossFactor) * bound)
    expect(Number(checked.equity6)).toBe(engine.equityMicro)
    expect(Math.abs(Number(checked.worstLoss6) - engine.worstLossMicro)).toBeLessThanOrEqual(6)
    expect(Math.abs(Number(checked.initial6) - engine.initialMicro)).toBeLessThanOrEqual(
      12 + contracts,
    )
  })
  fc.assert(property, runs(120))
})

test('a leaf is hashed twice and its lanes stand where the layout says', () => {
  const values6 = Array.from({ length: 33 }, (_, i) => BigInt(i + 1))
  const leaf = { key: 7n, values6, mark6: 100n, delta15: -5n, gamma15: 6n }
  const bytes = encodeRiskLeaf(leaf)
  const word = (index: number) => BigInt(`0x${bytes.slice(2 + 64 * index, 66 + 64 * index)}`)
  expect(bytes).toHaveLength(2 + 2 * 320)
  expect(word(0)).toBe(7n)
  expect(word(1)).toBe(1n | (2n << 64n) | (3n << 128n) | (4n << 192n))
  expect(word(9)).toBe(33n | (100n << 64n) | (999_999_999_999_995n << 128n) | (6n << 192n))
  expect(leafHash(bytes)).toMatch(/^0x[0-9a-f]{64}$/)
  expect(() => encodeRiskLeaf({ ...leaf, mark6: 1n << 63n })).toThrow(/below 2\^63/)
  expect(() => encodeRiskLeaf({ ...leaf, mark6: -1n })).toThrow(/natural number/)
})

test('parameters with an extension are refused, because risk arrays hold sums alone', () => {
  const extended = { ...PARAMETERS, extensions: { notionalFloor: 0.001 } }
  expect(() => columnsOf(extended)).toThrow(/notionalFloor|portfolio/)
})
