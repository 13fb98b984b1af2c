import { describe, expect, test } from 'vitest'
import { makeBooks } from '../../../sdk/risk/book.ts'
import { explainMargin } from '../../../sdk/risk/explain.ts'
import { explanationTable } from '../../../sdk/risk/explanation-table.ts'
import type { Extensions } from '../../../sdk/risk/extension-parameters.ts'
import { dollarSensitivity, latencyMove } from '../../../sdk/risk/extensions.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { marginState } from '../../../sdk/risk/margin-state.ts'
import { parametersFault } from '../../../sdk/risk/parameters.ts'
import type { OptionPosition, Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { standAloneRequirement } from '../../../sdk/risk/stand-alone.ts'
import { PARAMETERS, flatMarket, holding, option } from './markets.ts'

const one = flatMarket({
  spotUsd: 100,
  expiries: [{ days: 7 }, { days: 60 }],
  perpetual: { priceUsd: 100, confidence: 1 },
})
const [first] = one.underlyings
if (first === undefined) throw new Error('the market has an underlying')
const market: RiskMarket = { ...one, underlyings: [first, { ...first, underlying: 2 }] }

const margin = (portfolio: Portfolio, extensions?: Extensions) =>
  computeMargin(portfolio, market, { ...PARAMETERS, extensions })
const onTwo = (position: OptionPosition): OptionPosition => ({ ...position, underlying: 2 })
const perpetual = (size: number, underlying = 1): Portfolio => ({
  ...holding([]),
  perpetuals: [{ underlying, size, unsettledUsd: 0 }],
})
const everything: Extensions = {
  crossUnderlying: {
    offsets: [
      { underlying: 1, share: 0, gainMaxUsd: 0 },
      { underlying: 2, share: 0, gainMaxUsd: 0 },
    ],
    keep: 1,
  },
  latency: { deviations: 3.09, stateAgeS: 0 },
  size: { thresholdUsd: 1e9, slope: 1, shareMax: 0.1 },
  rollShock: [],
  capLongAtPremium: false,
  notionalFloor: 0,
}

test('every extension that is off, or on without effect, leaves PM2 to the last bit', () => {
  const given = {
    ...holding([option('call', 110, 7, -5), onTwo(option('put', 90, 60, 3))], 100),
    perpetuals: [{ underlying: 1, size: 2, unsettledUsd: 1 }],
  }
  const plain = margin(given)
  for (const extensions of [{}, everything]) {
    const same = margin(given, extensions)
    expect(same.initialUsd).toBe(plain.initialUsd)
    expect(same.maintenanceUsd).toBe(plain.maintenanceUsd)
    expect(same.worstLossUsd).toBe(plain.worstLossUsd)
  }
})

describe('E1: gains on one underlying against losses on another', () => {
  const cross = (share: number, keep: number, gainMaxUsd = 1e9): Extensions => ({
    crossUnderlying: {
      offsets: [1, 2].map((underlying) => ({ underlying, share, gainMaxUsd })),
      keep,
    },
  })
  const hedged = holding([option('call', 100, 7, -5), onTwo(option('call', 100, 7, 5))])

  test('count in part, and the joint loss is never below the kept share of the sum', () => {
    const apart = margin(hedged)
    const joint = margin(hedged, cross(0.6, 0))
    expect(joint.offsetUsd).toBeGreaterThan(0)
    expect(joint.initialRequirementUsd).toBeLessThan(apart.initialRequirementUsd)
    const kept = margin(hedged, cross(1, 0.9))
    expect(kept.worstLossUsd - kept.offsetUsd).toBeCloseTo(0.9 * apart.worstLossUsd, 9)
    expect(kept.initialRequirementUsd).toBeCloseTo(
      apart.initialRequirementUsd - 0.1 * apart.worstLossUsd,
      9,
    )
    expect(kept.maintenanceRequirementUsd).toBeCloseTo(
      apart.maintenanceRequirementUsd - 0.08 * apart.worstLossUsd,
      9,
    )
  })

  test('count up to their most, and not at all when the losses coincide', () => {
    const joint = (gainMaxUsd: number) => margin(hedged, cross(0.6, 0, gainMaxUsd)).offsetUsd
    expect(joint(1)).toBeGreaterThan(0)
    expect(joint(1)).toBeLessThan(joint(10))
    expect(joint(0)).toBeLessThan(joint(1))
    const both = holding([option('call', 100, 7, -5), onTwo(option('call', 100, 7, -5))])
    expect(margin(both, cross(1, 0)).offsetUsd).toBeCloseTo(0, 9)
  })
})

describe('E2: age of the hub’s view', () => {
  const aged = (stateAgeS: number): Extensions => ({ latency: { deviations: 3.09, stateAgeS } })

  test('a minute at 80 % costs 0.341 % of the dollar delta', () => {
    expect(latencyMove({ deviations: 3.09, stateAgeS: 60 }, 0.8)).toBeCloseTo(0.00341, 5)
    const [plain, charged] = [margin(perpetual(10)), margin(perpetual(10), aged(60))]
    const extra = charged.initialRequirementUsd - plain.initialRequirementUsd
    expect(extra).toBeCloseTo(1_000 * latencyMove({ deviations: 3.09, stateAgeS: 60 }, 0.8), 9)
    expect(charged.maintenanceRequirementUsd).toBe(plain.maintenanceRequirementUsd)
  })

  test('negative gamma costs, positive gamma does not', () => {
    const straddle = (size: number) =>
      holding([option('call', 100, 7, size), option('put', 100, 7, size)])
    const charge = (size: number) =>
      margin(straddle(size), aged(60)).books[0]?.extensions.latencyUsd
    const [book] = makeBooks(straddle(-5), market, PARAMETERS)
    const { deltaUsd, gammaUsd } = dollarSensitivity(book!)
    const move = latencyMove({ deviations: 3.09, stateAgeS: 60 }, 0.8)
    expect(gammaUsd).toBeLessThan(-1_000)
    expect(charge(5)).toBeCloseTo(move * Math.abs(deltaUsd), 12)
    expect(charge(-5)).toBeCloseTo(move * Math.abs(deltaUsd) - 0.5 * gammaUsd * move * move, 12)
  })

  test('an underlying without any volatility cannot be charged', () => {
    const bare: RiskMarket = { ...market, underlyings: [{ ...first, expiries: [] }] }
    const parameters = { ...PARAMETERS, extensions: aged(60) }
    expect(() => computeMargin(perpetual(1), bare, parameters)).toThrow('volatility')
  })
})

test('E3: a delta beyond the threshold costs more per dollar, up to a most', () => {
  const size = { thresholdUsd: 1_000, slope: 0.02, shareMax: 0.1 }
  const charge = (contracts: number) =>
    margin(perpetual(contracts), { size }).books[0]?.extensions.sizeUsd
  expect(charge(10)).toBe(0)
  expect(charge(-20)).toBeCloseTo(0.02 * 2_000, 9)
  expect(charge(30)).toBeCloseTo(0.04 * 3_000, 9)
  expect(charge(1_000)).toBeCloseTo(0.1 * 100_000, 9)
})

test('a perpetual’s roll counts in both requirements with their loss factors', () => {
  const roll: Extensions = { rollShock: [{ underlying: 1, share: 0.01 }] }
  const [plain, charged] = [margin(perpetual(-10)), margin(perpetual(-10), roll)]
  expect(charged.initialRequirementUsd - plain.initialRequirementUsd).toBeCloseTo(10, 9)
  expect(charged.maintenanceRequirementUsd - plain.maintenanceRequirementUsd).toBeCloseTo(8, 9)
  expect(margin(perpetual(10, 2), roll).books[0]?.extensions.rollUsd).toBe(0)
})

test('a week before expiry a far call is charged several times its value unless that is capped', () => {
  const far = holding([option('call', 180, 7, 10)])
  const [plain, capped] = [margin(far), margin(far, { capLongAtPremium: true })]
  expect(plain.worstLossUsd).toBeGreaterThan(3 * plain.markToMarketUsd)
  expect(capped.worstLossUsd).toBeLessThanOrEqual(capped.markToMarketUsd * (1 + 1e-12))
  const written = holding([option('call', 180, 7, 10), option('call', 200, 7, -1e-6)])
  expect(margin(written, { capLongAtPremium: true }).worstLossUsd).toBe(
    margin(written).worstLossUsd,
  )
  const parameters = { ...PARAMETERS, extensions: { capLongAtPremium: true } }
  expect(() => standAloneRequirement(far, market, parameters)).toThrow('cap')
})

test('the floor is a share of gross notional, in both requirements and alone', () => {
  const worthless = holding([option('call', 400, 7, -100), option('call', 400, 7, 100)])
  const floor: Extensions = { notionalFloor: 0.001 }
  const raised = margin(worthless, floor)
  expect(raised.initialRequirementUsd).toBeCloseTo(20, 9)
  expect(raised.maintenanceRequirementUsd).toBeCloseTo(20, 9)
  const parameters = { ...PARAMETERS, extensions: floor }
  expect(standAloneRequirement(worthless, market, parameters).requirementUsd).toBeCloseTo(20, 9)
  const risky = holding([option('call', 100, 7, -5)])
  expect(margin(risky, floor).initialUsd).toBe(margin(risky).initialUsd)
})

test('the rows of an explanation add up with every extension on', () => {
  const extensions: Extensions = {
    crossUnderlying: {
      offsets: [1, 2].map((underlying) => ({ underlying, share: 0.6, gainMaxUsd: 20e6 })),
      keep: 0.6,
    },
    latency: { deviations: 3.09, stateAgeS: 60 },
    size: { thresholdUsd: 1, slope: 0.02, shareMax: 0.1 },
    rollShock: [{ underlying: 1, share: 0.01 }],
    capLongAtPremium: true,
    notionalFloor: 0.9,
  }
  const parameters = { ...PARAMETERS, extensions }
  const given: Portfolio = {
    ...holding([option('call', 110, 7, -5), onTwo(option('put', 90, 60, 3))], 100),
    perpetuals: [{ underlying: 1, size: 2, unsettledUsd: 1 }],
  }
  const result = computeMargin(given, market, parameters)
  const explained = explainMargin(result, parameters)
  const total = (rows: readonly { usd: number }[]) => rows.reduce((sum, row) => sum + row.usd, 0)
  expect(total(explained.initial)).toBeCloseTo(result.initialUsd, 9)
  expect(total(explained.maintenance)).toBeCloseTo(result.maintenanceUsd, 9)
  const table = explanationTable(explained, marginState(result))
  for (const row of ['rolling', 'age of', 'size of', 'floor', 'offset between']) {
    expect(table).toContain(row)
  }
})

test('extensions that make no sense are refused', () => {
  const fault = (extensions: Extensions) => parametersFault({ ...PARAMETERS, extensions })
  expect(fault(everything)).toBeUndefined()
  expect(fault({ crossUnderlying: { offsets: [], keep: 1.1 } })).toContain('kept share')
  const offset = { underlying: 1, share: 1.1, gainMaxUsd: 0 }
  expect(fault({ crossUnderlying: { offsets: [offset], keep: 1 } })).toContain('offset')
  expect(fault({ latency: { deviations: -1, stateAgeS: 0 } })).toContain('age')
  expect(fault({ size: { thresholdUsd: 0, slope: 0, shareMax: 0 } })).toContain('threshold')
  expect(fault({ rollShock: [{ underlying: 1, share: 2 }] })).toContain('roll')
  expect(fault({ notionalFloor: NaN })).toContain('floor')
})
