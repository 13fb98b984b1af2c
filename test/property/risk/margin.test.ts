import fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import type { Portfolio } from '../../../sdk/risk/portfolio.ts'
import { standAloneRequirement } from '../../../sdk/risk/stand-alone.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import {
  PARAMETERS,
  between,
  market,
  options,
  portfolio,
  scaled,
  slack,
  sum,
} from './portfolios.ts'
import { runs } from './runs.ts'

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
