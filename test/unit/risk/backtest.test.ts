import { describe, expect, test } from 'vitest'
import {
  BACKTEST_PARAMETERS,
  HOLDING_RULES,
  runEpisode,
} from '../../../sdk/risk/backtest/episode.ts'
import {
  type PricePoint,
  VOLATILITY_MODEL,
  checkHistory,
  volatilityPath,
} from '../../../sdk/risk/backtest/history.ts'
import { summarise } from '../../../sdk/risk/backtest/summary.ts'
import { type PortfolioTemplate, TEMPLATES } from '../../../sdk/risk/backtest/template.ts'
import { RiskError } from '../../../sdk/risk/risk-error.ts'

const HOUR_MS = 3_600_000
const hourly = (prices: readonly number[]): PricePoint[] =>
  prices.map((closeUsd, i) => ({ atMs: i * HOUR_MS, closeUsd }))
const flatVolatility = (points: readonly PricePoint[]) => points.map(() => 0.6)
const named = (name: string): PortfolioTemplate => {
  const found = TEMPLATES.find((template) => template.name === name)
  if (found === undefined) throw new Error(`no portfolio ${name}`)
  return found
}
const perpetual = named('long perpetual')

function episodeOf(template: PortfolioTemplate, prices: readonly number[], hours = 168) {
  const points = hourly(prices)
  const rules = { ...HOLDING_RULES, hours }
  return runEpisode(template, points, flatVolatility(points), 0, rules)
}

describe('an episode', () => {
  test('in a market that stands still for a day ends after its time, without a call', () => {
    const prices = Array.from({ length: 30 }, () => 100)
    for (const template of TEMPLATES) {
      const episode = episodeOf(template, prices, 24)
      expect(episode).toMatchObject({ liquidated: false, shortfallUsd: 0 })
      expect(episode.hours).toBe(24)
      expect(episode.initialRequirementSumUsd).toBeGreaterThan(0)
    }
  })

  test('is called and liquidated as equity falls, at the price an hour later', () => {
    // Initial margin of a perpetual: 18 % + 2 % of 100; maintenance: 0.8 × 18 % + 1.5 % of spot.
    const slow = episodeOf(perpetual, [100, 97, 96, 94, 93, 93])
    expect(slow).toMatchObject({ called: true, liquidated: true, shortfallUsd: 0, hours: 4 })
    const late = episodeOf(perpetual, [100, 90, 75])
    expect(late).toMatchObject({ called: false, liquidated: true, hours: 2 })
    // Equity is 20 − 25 at the close.
    expect(late.shortfallUsd).toBeCloseTo(5, 9)
  })

  test('that fails at the last row is closed there', () => {
    expect(episodeOf(perpetual, [100, 70]).shortfallUsd).toBeCloseTo(10, 9)
  })

  test('options that expire on the way settle at the first price after expiry and keep that', () => {
    const template = {
      name: 'day call',
      options: [{ right: 'call' as const, strike: 1, days: 0.1, size: 1 }],
      perpetual: 0,
      coins: 1,
    }
    const points = hourly([100, 100, 100, 110, 130, 200, 200])
    const episode = runEpisode(template, points, flatVolatility(points), 0)
    expect(episode.liquidated).toBe(false)
    expect(episode.hours).toBe(6)
  })
})

test('episodes add up to counts, debts and the cost of margin', () => {
  const episodes = [
    episodeOf(perpetual, [100, 90, 75]),
    episodeOf(perpetual, [100, 97, 96, 94, 93, 93]),
    episodeOf(
      named('put spread'),
      Array.from({ length: 200 }, () => 100),
    ),
  ]
  const summary = summarise(episodes)
  expect(summary).toMatchObject({ episodes: 3, calls: 1, liquidations: 2, breaches: 1 })
  expect(summary.shortfallUsd).toBeCloseTo(5, 9)
  expect(summary.shortfallShareMax).toBeCloseTo(0.05, 9)
  const spread = summarise(episodes.slice(2))
  expect(spread.costRatio).toBeLessThan(1)
  expect(summarise([])).toMatchObject({ episodes: 0, costRatio: 0 })
  expect(BACKTEST_PARAMETERS.extensions).toBeUndefined()
})

describe('volatility of a history without any', () => {
  test('follows its moves, knows nothing of the future, and stays within its bounds', () => {
    const calm = Array.from({ length: 100 }, (_, i) => 100 + (i % 2) * 0.1)
    const storm = Array.from({ length: 100 }, (_, i) => 100 + (i % 2) * 5)
    const quiet = volatilityPath(hourly(calm), VOLATILITY_MODEL)
    expect(Math.max(...quiet)).toBe(0.4)
    const both = volatilityPath(hourly([...calm, ...storm]), VOLATILITY_MODEL)
    expect(both.slice(0, 100)).toEqual(quiet)
    expect(both.at(-1)).toBe(3)
    const given = hourly(calm).map((point) => ({ ...point, volatility: 0.9 }))
    expect(volatilityPath(given, VOLATILITY_MODEL).every((value) => value === 0.9)).toBe(true)
  })
})

test.each([
  ['one row', [100], 'two observations'],
  ['a price of 0', [100, 0], 'above 0'],
  ['no number', [100, NaN], 'above 0'],
])('a history with %s is refused', (_what, prices, rule) => {
  expect(() => checkHistory(hourly(prices))).toThrow(rule)
  const back = [...hourly([100, 100])].toReversed()
  expect(() => checkHistory(back)).toThrow(RiskError)
})
