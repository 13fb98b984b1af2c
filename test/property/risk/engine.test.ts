import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EngineHoldings } from '../../../sdk/risk/engine/account-record.ts'
import { openRiskEngine, type RiskEngine } from '../../../sdk/risk/engine/open-engine.ts'
import { EXPIRY } from '../../../sdk/risk/kernel/layout.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { oracleMargin } from './margin-oracle.ts'
import { runs } from './runs.ts'

const DAY_S = 86_400
/** One expiry has settled, one is inside its settlement window. */
const EXPIRIES_S = [-60, 900, 5 * DAY_S, 90 * DAY_S] as const
const STRIKES = [40, 80, 95, 100, 105, 130, 250] as const
const PARAMETERS: RiskParameters = {
  ...BASE_PARAMETERS,
  version: 1,
  collaterals: [
    { asset: 2, underlying: 1, cancelsRisk: true, maintenance: 0.015, initialExtra: 0.005 },
    { asset: 3, underlying: undefined, cancelsRisk: false, maintenance: 0.1, initialExtra: 0.05 },
  ],
}
const CAPACITY = {
  underlyings: 4,
  expiries: 16,
  strikesPerExpiry: 8,
  assets: 4,
  accounts: 4,
  accountBytes: 1 << 18,
}

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })
const confidence = fc.constantFrom(1, 1, 0.54, 0.2)

const underlying = fc.record({
  spotUsd: between(90, 110),
  spotConfidence: confidence,
  perpetualConfidence: confidence,
  volatility: between(0.1, 2),
  rho: between(-0.8, 0.8),
  ratePerYear: between(-0.1, 0.4),
  volatilityConfidence: confidence,
})

const market = fc
  .record({ stableUsd: fc.constantFrom(1, 0.99, 0.95), both: fc.tuple(underlying, underlying) })
  .map(({ stableUsd, both }): RiskMarket => ({
    stableUsd,
    underlyings: both.map((given, i) => ({
      underlying: i + 1,
      spotUsd: given.spotUsd,
      spotConfidence: given.spotConfidence,
      perpetual: { priceUsd: given.spotUsd * 1.001, confidence: given.perpetualConfidence },
      expiries: EXPIRIES_S.map((seconds, at) => {
        const years = Math.max(seconds, 60) / 31_536_000
        const variance = given.volatility ** 2 * years
        return {
          expiryS: 1_000_000 + seconds,
          secondsToExpiry: seconds,
          forwardUsd: given.spotUsd * (1 + 0.01 * at),
          ratePerYear: given.ratePerYear,
          forwardConfidence: 1,
          rateConfidence: 1,
          volatilityConfidence: given.volatilityConfidence,
          surface: { a: variance / 2, b: variance, rho: given.rho, m: 0, s: 0.5, years },
        }
      }),
    })),
    collaterals: [
      { asset: 2, priceUsd: 100, confidence: 1 },
      { asset: 3, priceUsd: 5, confidence: 0.5 },
    ],
  }))

const lots = fc.oneof(
  fc.integer({ min: -200_000, max: 200_000 }),
  fc.constantFrom(-1, 1, 10_000, -10_000),
)
const position = fc.record({
  underlying: fc.constantFrom(1, 2),
  expiryS: fc.constantFrom(...EXPIRIES_S.map((seconds) => 1_000_000 + seconds)),
  strikeUsd: fc.constantFrom(...STRIKES),
  right: fc.constantFrom('call' as const, 'put' as const),
  lots,
})
type Position = {
  underlying: number
  expiryS: number
  strikeUsd: number
  right: 'call' | 'put'
  lots: number
}

const rest = fc.record({
  cashMicro: fc.integer({ min: -5_000_000_000, max: 5_000_000_000 }),
  perpetuals: fc.uniqueArray(
    fc.record({
      underlying: fc.constantFrom(1, 2),
      lots,
      unsettledMicro: fc.integer({ min: -50_000_000, max: 50_000_000 }),
    }),
    { selector: (held) => held.underlying, maxLength: 2 },
  ),
  collaterals: fc.uniqueArray(fc.record({ asset: fc.constantFrom(2, 3), amount: between(0, 20) }), {
    selector: (held) => held.asset,
    maxLength: 2,
  }),
})
type Rest = {
  cashMicro: number
  perpetuals: NonNullable<EngineHoldings['perpetuals']>
  collaterals: { asset: number; amount: number }[]
}

function holdingsOf(
  { grid }: RiskEngine,
  positions: readonly Position[],
  more: Rest,
): EngineHoldings {
  const sums = new Map<number, EngineHoldings['options'][number]>()
  for (const { lots: size, ...series } of positions) {
    const instrument = grid.instrument(series)
    const held = sums.get(instrument.row)?.lots ?? 0
    sums.set(instrument.row, { instrument, lots: held + size })
  }
  return {
    ...more,
    options: [...sums.values()],
    collaterals: more.collaterals.map((held) => ({
      ...held,
      underlying: held.asset === 2 ? 1 : undefined,
    })),
  }
}

function portfolioOf(holdings: EngineHoldings): Portfolio {
  return {
    cashUsd: holdings.cashMicro / 1e6,
    options: holdings.options.map(({ instrument, lots: size }) => {
      const { underlying: id, expiryS, strikeUsd, right } = instrument
      return { underlying: id, expiryS, strikeUsd, right, size: size / 1e4 }
    }),
    perpetuals: (holdings.perpetuals ?? []).map((held) => ({
      underlying: held.underlying,
      size: held.lots / 1e4,
      unsettledUsd: held.unsettledMicro / 1e6,
    })),
    collaterals: holdings.collaterals,
  }
}

test('V22, V24: margin from risk arrays is that of full repricing to the roundings of its arrays', () => {
  const property = fc.property(
    fc.array(position, { maxLength: 30 }),
    rest,
    market,
    (held, more, marks) => {
      const engine = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
      const holdings = holdingsOf(engine, held, more)
      engine.accounts.set('a', holdings)
      engine.grid.mark(0, marks)
      const got = engine.accounts.markOne(0, 'a')
      const full = computeMargin(portfolioOf(holdings), marks, PARAMETERS)
      const contracts =
        holdings.options.reduce((sum, option) => sum + Math.abs(option.lots), 0) / 1e4
      // Every figure is rounded to a micro-dollar: values per contract, then per expiry and book.
      const figures = 8 + 3 + holdings.options.length * 1e-3
      const bound = 0.5 * contracts + figures
      const error = (micro: number, usd: number) => Math.abs(micro - usd * 1e6)
      expect(error(got.equityMicro, full.equityUsd)).toBeLessThanOrEqual(bound)
      // A requirement holds a shocked value and a mark, both rounded.
      const factor = 1 + 1.2 * full.initialLossFactor
      expect(error(got.initialMicro, full.initialUsd)).toBeLessThanOrEqual(factor * bound)
      expect(error(got.maintenanceMicro, full.maintenanceUsd)).toBeLessThanOrEqual(factor * bound)
    },
  )
  fc.assert(property, runs(150))
})

test('the margin kernel gives the same bits as its oracle with whole sums', () => {
  const property = fc.property(
    fc.array(position, { maxLength: 30 }),
    rest,
    market,
    (held, more, marks) => {
      const engine = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
      const holdings = holdingsOf(engine, held, more)
      engine.accounts.set('a', holdings)
      engine.grid.mark(0, marks)
      const got = engine.accounts.markOne(0, 'a')
      expect(got).toEqual(oracleMargin(engine, { holdings, market: marks, parameters: PARAMETERS }))
    },
  )
  fc.assert(property, runs(150))
})

test('fills one after another give the same bits as the portfolio that they add up to', () => {
  const property = fc.property(
    fc.array(position, { maxLength: 40 }),
    rest,
    market,
    (fills, more, marks) => {
      const engine = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
      const whole = holdingsOf(engine, fills, more)
      engine.accounts.set('whole', whole)
      engine.accounts.set('step by step', { ...whole, options: [] })
      engine.grid.mark(0, marks)
      engine.accounts.mark(0)
      for (const { lots: size, ...series } of fills) {
        const instrument = engine.grid.instrument(series)
        engine.accounts.fill(0, 'step by step', { instrument, lots: size, cashMicro: 0 })
      }
      expect(engine.accounts.margin('step by step')).toEqual(engine.accounts.margin('whole'))
    },
  )
  fc.assert(property, runs(150))
})

test('marks that change one expiry value that expiry alone', () => {
  const property = fc.property(market, fc.integer({ min: 2, max: 3 }), (marks, changed) => {
    const engine = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
    for (const { underlying: id, expiries } of marks.underlyings) {
      for (const { expiryS } of expiries) {
        engine.grid.instrument({ underlying: id, expiryS, strikeUsd: 100, right: 'call' })
      }
    }
    expect(engine.grid.mark(0, marks)).toBe(8)
    expect(engine.grid.mark(0, marks)).toBe(0)
    const [first, second] = marks.underlyings
    const moved = first!.expiries.map((expiry, i) =>
      i === changed ? { ...expiry, forwardUsd: expiry.forwardUsd * 1.01 } : expiry,
    )
    const after = { ...marks, underlyings: [{ ...first!, expiries: moved }, second!] }
    expect(engine.grid.mark(0, after)).toBe(1)
  })
  fc.assert(property, runs(20))
})

test('the sheet of Greeks holds for every instrument what it is worth at its mark', () => {
  const property = fc.property(
    fc.array(position, { minLength: 1, maxLength: 12 }),
    market,
    (held, marks) => {
      const { grid, greeks } = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
      const instruments = held.map((series) => grid.instrument(series))
      grid.mark(0, marks)
      greeks.compute(0)
      // A strike that comes later moves the others in the sheet.
      instruments.push(grid.instrument({ ...instruments[0]!, strikeUsd: 111 }))
      grid.mark(0, marks)
      expect(greeks.compute(0)).toBeGreaterThanOrEqual(2)
      for (const instrument of instruments) {
        const { priceUsd, delta } = greeks.read(instrument)
        const mark = Number(grid.row(0, instrument)[11]) / 1e6
        expect(Math.abs(priceUsd - mark)).toBeLessThanOrEqual(0.5001e-6)
        const right = instrument.right === 'call' ? 1 : -1
        expect(delta * right).toBeGreaterThanOrEqual(0)
      }
    },
  )
  fc.assert(property, runs(50))
})

test('sums that might leave 64 bits give no margin instead of a wrong one', () => {
  const engine = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
  const expiryS = 1_000_000 + 90 * DAY_S
  const series = { underlying: 1, expiryS, strikeUsd: 100, right: 'call' as const }
  const instrument = engine.grid.instrument(series)
  const [marks] = fc.sample(market, { numRuns: 1, seed: 1 })
  engine.grid.mark(0, marks!)
  const largest = engine.grid.expiryRecord(0, instrument)[EXPIRY.valueMicroMax] as number
  const fits = Math.floor((2 ** 62 / largest) * 0.999)
  const holding = (lots: number) => ({
    cashMicro: 0,
    options: [{ instrument, lots }],
    collaterals: [],
  })
  engine.accounts.set('fits', holding(-fits))
  engine.accounts.set('too large', holding(-2 * fits))
  expect(engine.accounts.markOne(0, 'fits').initialMicro).toBeLessThan(0)
  expect(engine.accounts.markOne(0, 'too large').initialMicro).toBeNaN()
  expect(engine.accounts.markOne(0, 'too large').maintenanceMicro).toBeNaN()
})
