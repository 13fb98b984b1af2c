import { describe, expect, test } from 'vitest'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import {
  MEDIAN_RULES,
  type MedianRules,
  type SourcePrice,
  robustMedian,
} from '../../../sdk/risk/marks/median.ts'
import {
  CHAIN_HEARTBEATS,
  type FeedHealth,
  SEQUENCER_HEARTBEATS,
  balancesAtWorst,
  isSound,
  marksVerdict,
} from '../../../sdk/risk/marks/staleness.ts'
import type { Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { DAY_S, PARAMETERS, flatMarket, holding, option } from './markets.ts'

const NOW = 1_770_000_000_000
const report = (source: string, price: number, change: Partial<SourcePrice> = {}): SourcePrice => ({
  source,
  price8: BigInt(Math.round(price * 1e8)),
  confidence4: 10_000,
  timestampMs: NOW - 1_000,
  ...change,
})
const take = (reports: readonly SourcePrice[], rules: MedianRules = MEDIAN_RULES) =>
  robustMedian(reports, NOW, rules)

describe('the median of sources', () => {
  const honest = [report('a', 100), report('b', 100.02), report('c', 99.98), report('d', 100.01)]

  test('is the middle, or the mean of the middle two, rounded down', () => {
    expect(take(honest.slice(0, 3)).price8).toBe(10_000_000_000n)
    expect(take(honest).price8).toBe(10_000_500_000n)
    const prices = [30_001n, 30_000n, 30_000n, 30_001n]
    const apart = prices.map((price8, i) => ({ ...report(`${i}`, 1), price8 }))
    expect(take(apart).price8).toBe(30_000n)
  })

  test('does not move with one outlier, whatever it says', () => {
    for (const wrong of [1e-6, 50, 99, 101, 1e6]) {
      const result = take([...honest, report('liar', wrong)])
      expect(result.price8).toBe(10_000_500_000n)
      expect(result.dropped).toEqual([{ source: 'liar', reason: 'outlier' }])
      expect(result.confidence4).toBe(8_000)
    }
  })

  test('a tick apart is no outlier among sources that agree to the last digit', () => {
    const same = ['a', 'b', 'c', 'd'].map((source) => report(source, 100))
    expect(take([...same, report('e', 100.01)]).dropped).toEqual([])
  })

  test.each([
    ['stale', { timestampMs: NOW - 10_001 }, 'stale'],
    ['from the future', { timestampMs: NOW + 1_001 }, 'from_the_future'],
    ['without a time', { timestampMs: NaN }, 'from_the_future'],
    ['unsure', { confidence4: 5_499 }, 'unsure'],
    ['surer than sure', { confidence4: 10_001 }, 'unsure'],
    ['of nothing', { price8: 0n }, 'not_positive'],
  ] as const)('a report that is %s does not count', (_what, change, reason) => {
    const result = take([...honest.slice(0, 3), report('e', 100, change)])
    expect(result.dropped).toEqual([{ source: 'e', reason }])
    expect(result.kept).toEqual(['a', 'b', 'c'])
  })

  test('two sources are too few, and a source that stands twice is one', () => {
    expect(take(honest.slice(0, 2)).status).toBe('too_few_sources')
    const twice = [report('a', 100), report('a', 100), report('b', 100)]
    expect(take(twice).price8).toBeUndefined()
    const newer = [
      ...honest.slice(1, 3),
      report('a', 50, { timestampMs: NOW - 2_000 }),
      report('a', 100),
    ]
    expect(take(newer).price8).toBe(10_000_000_000n)
    const apart = [report('a', 100), report('b', 100), report('c', 100), report('d', 400)]
    expect(take(apart, { ...MEDIAN_RULES, sourcesMin: 4 }).status).toBe('too_few_sources')
    expect(take([], { ...MEDIAN_RULES, sourcesMin: 0 }).status).toBe('too_few_sources')
  })
})

describe('V18: marks that are stale or unsure', () => {
  const flat = flatMarket({ spotUsd: 100, expiries: [{ days: 7 }, { days: 60 }] })
  const [first] = flat.underlyings
  const market: RiskMarket = { ...flat, underlyings: [first!, { ...first!, underlying: 2 }] }
  const dust = { ...option('call', 110, 7, -0.01), underlying: 2 }
  const account: Portfolio = holding([option('call', 110, 7, -5), dust], 300)
  const feed = (change: Partial<FeedHealth>): FeedHealth => ({
    kind: 'spot',
    underlying: 1,
    ageMs: 0,
    confidence: 1,
    ...change,
  })
  const judge = (feeds: readonly FeedHealth[]) =>
    marksVerdict(account, market, PARAMETERS, feeds, SEQUENCER_HEARTBEATS)

  test('are fresh up to their heartbeat, shorter at the sequencer than on chain', () => {
    const sound = (change: Partial<FeedHealth>, beats = SEQUENCER_HEARTBEATS) =>
      isSound(feed(change), beats, PARAMETERS)
    expect(sound({ ageMs: 10_000 })).toBe(true)
    expect(sound({ ageMs: 10_001 })).toBe(false)
    expect(sound({ ageMs: 10_001 }, CHAIN_HEARTBEATS)).toBe(true)
    expect(sound({ ageMs: NaN })).toBe(false)
    expect(sound({ confidence: 0.549 })).toBe(false)
  })

  test('stop added risk and liquidation where they carry more than 2 % of the requirement', () => {
    expect(judge([feed({}), feed({ underlying: 2 })])).toMatchObject({ mayIncreaseRisk: true })
    for (const bad of [
      feed({ ageMs: 60_000 }),
      feed({ confidence: 0.5 }),
      feed({ kind: 'volatility', expiryS: 7 * DAY_S, ageMs: 61_000 }),
    ]) {
      const verdict = judge([bad])
      expect(verdict).toMatchObject({ mayIncreaseRisk: false, mayLiquidate: false, atWorst: [] })
      expect(verdict.blocking).toEqual([bad])
    }
    const elsewhere = feed({ kind: 'volatility', expiryS: 60 * DAY_S, ageMs: 61_000 })
    expect(judge([elsewhere, feed({ kind: 'perpetual', ageMs: 1e9 })]).mayLiquidate).toBe(true)
  })

  test('of dust leave the account alone: it counts at its worst scenario', () => {
    const verdict = judge([feed({ underlying: 2, ageMs: 60_000 })])
    expect(verdict).toMatchObject({ mayIncreaseRisk: true, mayLiquidate: true, atWorst: [2] })
    const margin = computeMargin(account, market, PARAMETERS)
    const worst = balancesAtWorst(margin, verdict.atWorst, PARAMETERS)
    const lossUsd = margin.books[1]?.worstLossUsd ?? NaN
    expect(worst.equityUsd).toBeCloseTo(margin.equityUsd - lossUsd, 12)
    expect(worst.maintenanceUsd).toBeCloseTo(margin.maintenanceUsd - 0.2 * lossUsd, 12)
    expect(worst.initialUsd).toBe(margin.initialUsd)
  })

  test('of the stable coin matter to every account with risk', () => {
    expect(judge([feed({ kind: 'stable', underlying: undefined, ageMs: 1e8 })]).mayLiquidate).toBe(
      false,
    )
  })
})
