import { describe, expect, test } from 'vitest'
import { explainMargin } from '../../../sdk/risk/explain.ts'
import { InvalidPortfolioError } from '../../../sdk/risk/invalid-portfolio.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { parametersFault } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { BASIS_INDEX, SCENARIO_GRID } from '../../../sdk/risk/scenarios.ts'
import { PARAMETERS, flatMarket, holding, option } from './markets.ts'

const market = flatMarket({ spotUsd: 100, expiries: [{ days: 7 }, { days: 60 }] })

test('the grid has 23 regular scenarios, 8 tails and 2 of skew, and tails count little', () => {
  const count = (kind: string) => SCENARIO_GRID.filter((scenario) => scenario.kind === kind).length
  expect([count('regular'), count('tail'), count('skew')]).toEqual([23, 8, 2])
  const dampenings = SCENARIO_GRID.filter((s) => s.kind === 'tail').map((s) => s.dampening)
  const published = [0.21, 0.42, 0.2772, 0.1386, 0.0693, 0.0462, 0.03465, 0.02772]
  for (const [i, value] of published.entries()) expect(dampenings[i]).toBeCloseTo(value, 12)
  expect(parametersFault(PARAMETERS)).toBeUndefined()
})

test('cash alone needs nothing', () => {
  const margin = computeMargin(holding([], 250), market, PARAMETERS)
  expect(margin).toMatchObject({ equityUsd: 250, initialUsd: 250, maintenanceUsd: 250, books: [] })
})

test('a put spread needs less than its legs apart', () => {
  const leg = (strike: number, size: number) => holding([option('put', strike, 60, size)])
  const spread = holding([option('put', 90, 60, -1), option('put', 100, 60, 1)])
  const requirement = (portfolio: ReturnType<typeof holding>) =>
    computeMargin(portfolio, market, PARAMETERS).initialRequirementUsd
  const apart = requirement(leg(90, -1)) + requirement(leg(100, 1))
  expect(requirement(spread)).toBeLessThan(apart / 2)
})

test('a naked short call is worst when spot and volatility rise together', () => {
  const margin = computeMargin(holding([option('call', 100, 7, -5)], 300), market, PARAMETERS)
  const explained = explainMargin(margin, PARAMETERS)
  expect(explained.books[0]?.binding.name).toBe('spot +18 %, volatility up')
  expect(margin.worstIndex).toBe(0)
  expect(explained.books[0]?.scenarios).toHaveLength(34)
})

test('the rows of an explanation add up to the balances', () => {
  const portfolio = holding([option('call', 110, 7, -5), option('put', 80, 60, 2)], 300)
  const margin = computeMargin(portfolio, market, PARAMETERS)
  const explained = explainMargin(margin, PARAMETERS)
  const total = (rows: readonly { usd: number }[]) => rows.reduce((sum, row) => sum + row.usd, 0)
  expect(total(explained.initial)).toBeCloseTo(margin.initialUsd, 9)
  expect(total(explained.maintenance)).toBeCloseTo(margin.maintenanceUsd, 9)
  expect(explained.initialShortfallUsd).toBe(Math.max(0, -margin.initialUsd))
})

test('underlyings are margined apart and added up', () => {
  const [btc] = market.underlyings
  if (btc === undefined) throw new Error('the market has an underlying')
  const both: RiskMarket = { ...market, underlyings: [btc, { ...btc, underlying: 2 }] }
  const one = option('call', 110, 7, -5)
  const other = { ...option('put', 90, 60, -3), underlying: 2 }
  const alone = (options: (typeof one)[]) => computeMargin(holding(options), both, PARAMETERS)
  const joint = alone([one, other])
  expect(joint.books.map((book) => book.underlying)).toEqual([1, 2])
  expect(joint.initialRequirementUsd).toBeCloseTo(
    alone([one]).initialRequirementUsd + alone([other]).initialRequirementUsd,
    9,
  )
})

test('collateral in its own book offsets calls that were sold against it', () => {
  const parameters = {
    ...PARAMETERS,
    collaterals: [
      { asset: 2, underlying: 1, cancelsRisk: true, maintenance: 0.015, initialExtra: 0.005 },
    ],
  }
  const withPrice = { ...market, collaterals: [{ asset: 2, priceUsd: 100, confidence: 1 }] }
  const sold = holding([option('call', 110, 60, -1)])
  const covered = { ...sold, collaterals: [{ asset: 2, amount: 1 }] }
  const held = { ...holding([]), collaterals: covered.collaterals }
  const [together, naked, alone] = [covered, sold, held].map((portfolio) =>
    computeMargin(portfolio, withPrice, parameters),
  )
  const apart = (naked?.initialRequirementUsd ?? 0) + (alone?.initialRequirementUsd ?? 0)
  expect(together?.initialRequirementUsd).toBeLessThan(0.6 * apart)
  expect(together?.equityUsd).toBeCloseTo((naked?.equityUsd ?? 0) + 100, 9)
})

test('a numéraire below its peg raises initial margin alone', () => {
  const low = flatMarket({ spotUsd: 100, expiries: [{ days: 7 }], stableUsd: 0.9 })
  const par = flatMarket({ spotUsd: 100, expiries: [{ days: 7 }] })
  const portfolio = holding([option('call', 110, 7, -5)], 300)
  const [depegged, pegged] = [low, par].map((m) => computeMargin(portfolio, m, PARAMETERS))
  expect(depegged?.initialLossFactor).toBeCloseTo(1 + 2 * 0.08, 12)
  expect(depegged?.initialUsd).toBeLessThan(pegged?.initialUsd ?? NaN)
  expect(depegged?.maintenanceUsd).toBe(pegged?.maintenanceUsd)
})

describe('an expiry that has passed', () => {
  const [underlying] = market.underlyings
  const passed: RiskMarket = {
    ...market,
    underlyings: [
      {
        ...(underlying ?? { underlying: 1, spotUsd: 100, spotConfidence: 1 }),
        expiries: [
          {
            expiryS: 604_800,
            secondsToExpiry: -5,
            forwardUsd: 100,
            settlementUsd: 112,
            ratePerYear: 0.3,
            forwardConfidence: 1,
            rateConfidence: 1,
            volatilityConfidence: 1,
          },
        ],
      },
    ],
  }

  test('is worth its payoff at the settlement price and needs no margin', () => {
    const margin = computeMargin(holding([option('call', 110, 7, -5)], 100), passed, PARAMETERS)
    expect(margin.equityUsd).toBe(90)
    expect(margin.initialUsd).toBe(90)
    expect(margin.maintenanceUsd).toBe(90)
  })
})

test('in its last half hour an option loses the risk that the average has fixed', () => {
  const near = (seconds: number) => {
    const base = flatMarket({ spotUsd: 100, expiries: [{ days: 7 }] })
    const [first] = base.underlyings
    const [expiry] = first?.expiries ?? []
    if (first === undefined || expiry === undefined) throw new Error('the market has an expiry')
    return {
      ...base,
      underlyings: [{ ...first, expiries: [{ ...expiry, secondsToExpiry: seconds }] }],
    }
  }
  const worst = (seconds: number) =>
    computeMargin(holding([option('call', 100, 7, -1)]), near(seconds), PARAMETERS).worstLossUsd
  expect(worst(900)).toBeLessThan(worst(1_800))
  expect(worst(180)).toBeLessThan(worst(900) / 4)
})

test('a grid in which everything gains asks for nothing, not for less than nothing', () => {
  const gains = PARAMETERS.scenarios.filter((s) => s.kind === 'regular' && s.spotFactor === 1.18)
  const parameters = { ...PARAMETERS, scenarios: gains }
  const spread = holding([option('call', 100, 7, 1), option('put', 100, 7, 1)])
  const flat = { ...parameters, basis: { ...parameters.basis, add: 0, perYear: 0 } }
  expect(computeMargin(spread, market, flat).worstLossUsd).toBe(0)
})

test('a calendar spread can be bound by the basis contingency', () => {
  const spread = holding([option('call', 100, 7, 10), option('call', 100, 60, -10)])
  const stretched = { ...PARAMETERS, basis: { ...PARAMETERS.basis, add: 50 } }
  expect(computeMargin(spread, market, stretched).worstIndex).toBe(BASIS_INDEX)
})

test('a portfolio that cannot be margined is refused with the rule', () => {
  const refused = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      return error instanceof InvalidPortfolioError ? error.code : error
    }
    return undefined
  }
  const margin = (options: Parameters<typeof holding>[0], cash = 0) =>
    refused(() => computeMargin(holding(options, cash), market, PARAMETERS))
  expect(margin([option('call', 100, 8, 1)])).toBe('INVALID_PORTFOLIO')
  expect(margin([{ ...option('call', 100, 7, 1), underlying: 9 }])).toBe('INVALID_PORTFOLIO')
  expect(margin([option('call', 100, 7, NaN)])).toBe('INVALID_PORTFOLIO')
  expect(margin([], Infinity)).toBe('INVALID_PORTFOLIO')
  const unknown = { ...holding([]), collaterals: [{ asset: 7, amount: 1 }] }
  expect(refused(() => computeMargin(unknown, market, PARAMETERS))).toBe('INVALID_PORTFOLIO')
})

test('parameters that would break the proof of autonomous risk are refused', () => {
  const { staticDiscount, skew } = PARAMETERS
  const fault = (change: object) => parametersFault({ ...PARAMETERS, ...change })
  expect(fault({ staticDiscount: { ...staticDiscount, positiveBase: 1.05 } })).toContain('owned')
  expect(fault({ staticDiscount: { ...staticDiscount, negativeBase: 0.95 } })).toContain('owed')
  expect(fault({ skew: { ...skew, linear: { base: 0.05, perRootYear: -0.05 } } })).toContain('cap')
  expect(fault({ lossFactor: { maintenance: 1, initial: 0.8 } })).toContain('loss factor')
  expect(fault({ scenarios: [] })).toContain('scenarios')
})
