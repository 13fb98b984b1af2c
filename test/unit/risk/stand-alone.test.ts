import { describe, expect, test } from 'vitest'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import type { Portfolio } from '../../../sdk/risk/portfolio.ts'
import {
  confidenceFault,
  seriesRequirement,
  standAloneRequirement,
} from '../../../sdk/risk/stand-alone.ts'
import { DAY_S, PARAMETERS, flatMarket, holding, option } from './markets.ts'

const SERIES = [
  ['call', 60],
  ['call', 100],
  ['call', 120],
  ['call', 200],
  ['call', 250],
  ['put', 60],
  ['put', 250],
] as const

function book(sizes: readonly number[]): Portfolio {
  return holding(SERIES.map(([right, strike], i) => option(right, strike, 120, sizes[i] ?? 0)))
}

function sum(a: Portfolio, b: Portfolio): Portfolio {
  return { ...a, options: [...a.options, ...b.options] }
}

describe('two portfolios whose skew losses do not add up', () => {
  const market = flatMarket({
    spotUsd: 100,
    expiries: [{ days: 120, ratePerYear: 0.2, volatility: 1 }],
  })
  const p = book([0.62, -1, -0.4, 1, 0.98, -0.02, 0.02])
  const q = book([0.5, -1, -0.4, 1, 1.1, 0.1, -0.1])
  const margin = (portfolio: Portfolio) => computeMargin(portfolio, market, PARAMETERS)
  const alone = (portfolio: Portfolio) =>
    standAloneRequirement(portfolio, market, PARAMETERS).requirementUsd

  test('ask more together than the sum of what each asks', () => {
    expect(margin(p).initialRequirementUsd).toBeCloseTo(1.8285, 4)
    expect(margin(q).initialRequirementUsd).toBeCloseTo(1.9487, 4)
    expect(margin(sum(p, q)).initialRequirementUsd).toBeCloseTo(5.3483, 4)
    expect(margin(sum(p, q)).maintenanceRequirementUsd).toBeCloseTo(3.9987, 4)
  })

  test('are covered when each is charged its stand-alone requirement', () => {
    expect(alone(p)).toBeCloseTo(3.3996, 4)
    expect(alone(q)).toBeCloseTo(4.3498, 4)
    expect(margin(sum(p, q)).initialRequirementUsd).toBeLessThanOrEqual(alone(p) + alone(q))
  })
})

describe('a perpetual of low confidence', () => {
  const market = flatMarket({
    spotUsd: 100,
    expiries: [{ days: 30, ratePerYear: 0.05 }],
    perpetual: { priceUsd: 100, confidence: 0.5 },
  })
  const calls = holding([option('call', 100, 30, 10)])
  const perpetual: Portfolio = {
    ...holding([]),
    perpetuals: [{ underlying: 1, size: 0.1, unsettledUsd: 0 }],
  }
  const requirement = (portfolio: Portfolio) =>
    computeMargin(portfolio, market, PARAMETERS).initialRequirementUsd

  test('turns a charge on for every option of its book', () => {
    expect(requirement(calls)).toBeCloseTo(75.66, 2)
    expect(requirement(perpetual)).toBeCloseTo(7, 2)
    expect(requirement({ ...calls, perpetuals: perpetual.perpetuals })).toBeCloseTo(582.21, 2)
  })

  test('forbids taking risk on a spoke alone', () => {
    expect(confidenceFault(1, market, PARAMETERS)).toContain('perpetual')
    const sound = flatMarket({ spotUsd: 100, expiries: [{ days: 30 }] })
    expect(confidenceFault(1, sound, PARAMETERS)).toBeUndefined()
    expect(confidenceFault(2, sound, PARAMETERS)).toContain('no marks')
  })
})

test('a contract costs its buyer at most its value in moves of spot, and its seller much more', () => {
  const market = flatMarket({ spotUsd: 100, expiries: [{ days: 30 }] })
  const series = { underlying: 1, expiryS: 30 * DAY_S, strikeUsd: 100, right: 'call' } as const
  const { markUsd, longUsd, shortUsd } = seriesRequirement(series, market, PARAMETERS)

  expect(markUsd).toBeGreaterThan(0)
  expect(longUsd).toBeLessThanOrEqual(markUsd)
  expect(shortUsd).toBeGreaterThan(longUsd)
  const margin = computeMargin(holding([option('call', 100, 30, -3)]), market, PARAMETERS)
  expect(margin.initialRequirementUsd).toBeLessThanOrEqual(3 * shortUsd * (1 + 1e-12))
})
