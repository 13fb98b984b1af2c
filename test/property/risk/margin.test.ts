import fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import type { OptionPosition, Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { standAloneRequirement } from '../../../sdk/risk/stand-alone.ts'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'
import { runs } from './runs.ts'

const DAY_S = 86_400
const DAYS = [2, 30, 120] as const
const STRIKES = [50, 80, 95, 100, 105, 125, 200, 300] as const

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })

const PARAMETERS: RiskParameters = {
  ...BASE_PARAMETERS,
  version: 1,
  collaterals: [
    { asset: 2, underlying: 1, cancelsRisk: true, maintenance: 0.015, initialExtra: 0.005 },
    { asset: 3, underlying: 1, cancelsRisk: false, maintenance: 0.1, initialExtra: 0.05 },
  ],
}

/** The grid without the two scenarios whose losses do not add up, and without discounts. */
const CORE: RiskParameters = {
  ...PARAMETERS,
  scenarios: PARAMETERS.scenarios.filter(({ kind }) => kind !== 'skew'),
  staticDiscount: {
    positiveBase: 1,
    positiveRateScale: 0,
    positiveRateAdd: 0,
    negativeBase: 1,
    negativeRateScale: 0,
    negativeRateAdd: 0,
  },
}

const market = fc
  .record({
    forwards: fc.tuple(between(97, 103), between(95, 108), between(92, 115)),
    volatilities: fc.tuple(between(0.2, 2.5), between(0.2, 1.5), between(0.2, 1.2)),
    rho: between(-0.8, 0.8),
    ratePerYear: between(-0.1, 0.4),
  })
  .map(({ forwards, volatilities, rho, ratePerYear }): RiskMarket => ({
    stableUsd: 1,
    underlyings: [
      {
        underlying: 1,
        spotUsd: 100,
        spotConfidence: 1,
        perpetual: { priceUsd: 100.2, confidence: 1 },
        expiries: DAYS.map((days, i) => {
          const years = days / 365
          const variance = (volatilities[i] ?? 1) ** 2 * years
          return {
            expiryS: days * DAY_S,
            secondsToExpiry: days * DAY_S,
            forwardUsd: forwards[i] ?? 100,
            ratePerYear,
            forwardConfidence: 1,
            rateConfidence: 1,
            volatilityConfidence: 1,
            surface: { a: variance / 2, b: variance, rho, m: 0, s: 0.5, years },
          }
        }),
      },
    ],
    collaterals: [
      { asset: 2, priceUsd: 100, confidence: 1 },
      { asset: 3, priceUsd: 5, confidence: 1 },
    ],
  }))

const size = fc.oneof(between(-20, 20), fc.constantFrom(-1, 1, -0.02, 0.02))

function options(sizes: fc.Arbitrary<number>): fc.Arbitrary<OptionPosition[]> {
  const position = fc.record({
    underlying: fc.constant(1),
    expiryS: fc.constantFrom(...DAYS.map((days) => days * DAY_S)),
    strikeUsd: fc.constantFrom(...STRIKES),
    right: fc.constantFrom('call' as const, 'put' as const),
    size: sizes,
  })
  return fc.array(position, { maxLength: 8 })
}

const portfolio: fc.Arbitrary<Portfolio> = fc.record({
  cashUsd: between(-5_000, 5_000),
  options: options(size),
  perpetuals: fc.array(
    fc.record({ underlying: fc.constant(1), size, unsettledUsd: between(-50, 50) }),
    { maxLength: 1 },
  ),
  collaterals: fc.array(fc.record({ asset: fc.constantFrom(2, 3), amount: between(0, 20) }), {
    maxLength: 2,
  }),
})

function sum(a: Portfolio, b: Portfolio): Portfolio {
  return {
    cashUsd: a.cashUsd + b.cashUsd,
    options: [...a.options, ...b.options],
    perpetuals: [...(a.perpetuals ?? []), ...(b.perpetuals ?? [])],
    collaterals: [...a.collaterals, ...b.collaterals],
  }
}

function scaled(given: Portfolio, factor: number): Portfolio {
  return {
    cashUsd: given.cashUsd * factor,
    options: given.options.map((option) => ({ ...option, size: option.size * factor })),
    perpetuals: (given.perpetuals ?? []).map((position) => ({
      ...position,
      size: position.size * factor,
      unsettledUsd: position.unsettledUsd * factor,
    })),
    collaterals: given.collaterals.map((held) => ({ ...held, amount: held.amount * factor })),
  }
}

/** Tolerance of sums of doubles: a millionth of a millionth of what is at stake. */
function slack(...portfolios: Portfolio[]): number {
  const contracts = portfolios
    .flatMap((given) => [...given.options, ...(given.perpetuals ?? [])])
    .reduce((total, position) => total + Math.abs(position.size), 0)
  return 1e-9 + contracts * 1e-9
}

test('V23: nothing held needs nothing, and n times as much needs n times as much', () => {
  const property = fc.property(portfolio, market, between(0, 50), (given, marks, factor) => {
    const { worstLossUsd, initialRequirementUsd } = computeMargin(given, marks, PARAMETERS)
    const many = computeMargin(scaled(given, factor), marks, PARAMETERS)
    const tolerance = factor * slack(given) + 1e-9
    expect(Math.abs(many.worstLossUsd - factor * worstLossUsd)).toBeLessThan(tolerance)
    const expected = factor * initialRequirementUsd
    expect(Math.abs(many.initialRequirementUsd - expected)).toBeLessThan(tolerance)
    expect(computeMargin(scaled(given, 0), marks, PARAMETERS).worstLossUsd).toBeCloseTo(0, 12)
  })
  fc.assert(property, runs(150))
})

test('V23: without skew and discounts the worst loss of a sum is at most the sum of worst losses', () => {
  const property = fc.property(portfolio, portfolio, market, (a, b, marks) => {
    const worst = (given: Portfolio) => computeMargin(given, marks, CORE).worstLossUsd
    expect(worst(sum(a, b))).toBeLessThanOrEqual(worst(a) + worst(b) + slack(a, b))
  })
  fc.assert(property, runs(200))
})

test('V23: options that are only owned lose at most their value in moves of spot', () => {
  const regular = { ...PARAMETERS, scenarios: CORE.scenarios }
  const property = fc.property(options(between(0, 20)), market, (held, marks) => {
    const given = { cashUsd: 0, options: held, collaterals: [] }
    const margin = computeMargin(given, marks, regular)
    expect(margin.worstLossUsd).toBeLessThanOrEqual(margin.markToMarketUsd + slack(given))
  })
  fc.assert(property, runs(200))
})

test('V23: cash raises every balance by its amount', () => {
  const property = fc.property(portfolio, market, between(0, 10_000), (given, marks, cash) => {
    const before = computeMargin(given, marks, PARAMETERS)
    const after = computeMargin({ ...given, cashUsd: given.cashUsd + cash }, marks, PARAMETERS)
    expect(after.initialUsd - before.initialUsd).toBeCloseTo(cash, 6)
    expect(after.maintenanceUsd - before.maintenanceUsd).toBeCloseTo(cash, 6)
    expect(after.initialRequirementUsd).toBe(before.initialRequirementUsd)
  })
  fc.assert(property, runs(150))
})

test('initial margin asks at least what maintenance asks, and both at least nothing', () => {
  const property = fc.property(portfolio, market, (given, marks) => {
    const margin = computeMargin(given, marks, PARAMETERS)
    expect(margin.maintenanceRequirementUsd).toBeGreaterThanOrEqual(0)
    expect(margin.initialUsd).toBeLessThanOrEqual(margin.maintenanceUsd)
  })
  fc.assert(property, runs(200))
})

test('V11: whatever is added at its stand-alone requirement is covered by it', () => {
  const property = fc.property(
    portfolio,
    fc.array(portfolio, { minLength: 1, maxLength: 3 }),
    market,
    (before, changes, marks) => {
      const requirement = (given: Portfolio) =>
        computeMargin(given, marks, PARAMETERS).initialRequirementUsd
      const charged = changes.reduce(
        (total, change) => total + standAloneRequirement(change, marks, PARAMETERS).requirementUsd,
        0,
      )
      const all = changes.reduce(sum, before)
      const tolerance = slack(before, ...changes)
      expect(requirement(all)).toBeLessThanOrEqual(requirement(before) + charged + tolerance)
    },
  )
  fc.assert(property, runs(300))
})

test('the order in which positions are listed does not matter', () => {
  const property = fc.property(portfolio, market, (given, marks) => {
    const reversed = { ...given, options: given.options.toReversed() }
    const margin = computeMargin(given, marks, PARAMETERS)
    const other = computeMargin(reversed, marks, PARAMETERS)
    expect(Math.abs(other.initialUsd - margin.initialUsd)).toBeLessThan(slack(given))
  })
  fc.assert(property, runs(100))
})
