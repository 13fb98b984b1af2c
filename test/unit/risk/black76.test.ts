import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { intrinsic, priceOption } from '../../../sdk/risk/black76.ts'
import { greeks } from '../../../sdk/risk/greeks.ts'
import { impliedVolatility } from '../../../sdk/risk/implied-volatility.ts'
import { outsideFile, vectors } from '../../outside.ts'

type Right = 'call' | 'put'

const YEAR_S = 31_536_000
const EPSILON = 2 ** -52

/** Rows of a file of comma-separated values whose first line names its source. */
function readRows(name: string, cases: number): Record<string, string>[] {
  const path = outsideFile(vectors, name, cases)
  if (path === undefined) return []
  const [, header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/)
  const names = header.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((column, i) => [column, cells[i] ?? '']))
  })
}

function number(row: Record<string, string>, column: string): number {
  const [numerator = '', denominator = '1'] = (row[column] ?? '').split('/')
  return Number(numerator) / Number(denominator)
}

/** The book's generalised formula as ours: a forward S e^((r − q)t) and a discount e^(−rt). */
function bookOption(row: Record<string, string>) {
  const [spotUsd, years] = [number(row, 'spot'), number(row, 't')]
  const [rate, dividend] = [number(row, 'r'), number(row, 'q')]
  const inputs = {
    right: (row['type'] ?? '').toLowerCase() as Right,
    forwardUsd: spotUsd * Math.exp((rate - dividend) * years),
    strikeUsd: number(row, 'strike'),
    volatility: number(row, 'vol'),
    years,
    discount: Math.exp(-rate * years),
  }
  return { inputs, spotUsd, years, rate, dividend }
}

const prices = readRows('haug1998_prices.csv', 40)
describe.skipIf(prices.length === 0)('prices of a textbook', () => {
  test.each(prices)('$type $strike at $spot, $vol, $t years: $value', (row) => {
    expect(Math.abs(priceOption(bookOption(row).inputs) - number(row, 'value'))).toBeLessThan(1e-4)
  })
})

const bookGreeks = readRows('haug1998_greeks.csv', 11)
describe.skipIf(bookGreeks.length === 0)('Greeks of a textbook', () => {
  test.each(bookGreeks)('$greek of a $type at $strike: $value', (row) => {
    const { inputs, spotUsd, years, rate, dividend } = bookOption(row)
    const ours = greeks(inputs, rate)
    const price = priceOption(inputs)
    const perSpot = inputs.forwardUsd / spotUsd
    // The book holds the spot, we hold the forward: the forward drifts at r − q.
    const theta = ours.theta - ours.delta * inputs.forwardUsd * (rate - dividend)
    const values: Record<string, number> = {
      delta: ours.delta * perSpot,
      elasticity: (ours.delta * perSpot * spotUsd) / price,
      gamma: ours.gamma * perSpot * perSpot,
      vega: ours.vega,
      theta,
      thetaPerDay: theta / 365,
      rho: ours.rho + ours.delta * inputs.forwardUsd * years,
      dividendRho: -ours.delta * inputs.forwardUsd * years,
    }
    expect(Math.abs((values[row['greek'] ?? ''] ?? NaN) - number(row, 'value'))).toBeLessThan(1e-4)
  })
})

type EdgeCase = {
  secs: number
  vol: number
  F: number
  K: number
  df: number
  call: number
  put: number
  delta_undiscounted: number
}

const edgePath = outsideFile(vectors, 'lyra_black76.json', 7)
const edges =
  edgePath === undefined
    ? []
    : (JSON.parse(readFileSync(edgePath, 'utf8')) as { cases: EdgeCase[] }).cases
describe.skipIf(edges.length === 0)('edge cases of Black 76', () => {
  test.each(edges)('F $F, K $K, volatility $vol, $secs s', (edge) => {
    const inputs = {
      forwardUsd: edge.F,
      strikeUsd: edge.K,
      volatility: edge.vol,
      years: edge.secs / YEAR_S,
      discount: edge.df,
    }
    const call = { ...inputs, right: 'call' as const }
    expect(Math.abs(priceOption(call) - edge.call)).toBeLessThan(1e-12 * Math.max(edge.call, 1))
    const put = priceOption({ ...inputs, right: 'put' })
    expect(Math.abs(put - edge.put)).toBeLessThan(1e-12 * Math.max(edge.put, 1))
    const { delta } = greeks(call, 0)
    expect(Math.abs(delta / edge.df - edge.delta_undiscounted)).toBeLessThan(1e-12)
  })
})

const jaeckel = readRows('jaeckel_black_implied_vol.csv', 500)
describe.skipIf(jaeckel.length === 0)('500 prices and implied volatilities', () => {
  const rows = jaeckel.map((row) => ({
    right: (number(row, 'q') > 0 ? 'call' : 'put') as Right,
    forwardUsd: number(row, 'F'),
    strikeUsd: number(row, 'K'),
    volatility: number(row, 'sigma'),
    years: number(row, 'T'),
    discount: 1,
    priceUsd: number(row, 'black'),
  }))

  test('prices are within 1e-15 of the larger of forward and strike', () => {
    expect(rows.length).toBe(500)
    for (const row of rows) {
      const scale = Math.max(row.forwardUsd, row.strikeUsd)
      expect(Math.abs(priceOption(row) - row.priceUsd) / scale).toBeLessThan(1e-15)
    }
  })

  test('volatilities are within 1e-13 where the price determines them, and as near as it does elsewhere', () => {
    let determined = 0
    const outside: unknown[] = []
    for (const row of rows) {
      const { vega } = greeks(row, 0)
      // One unit in the last place of the price moves the volatility by this, relatively; 0/0 for
      // a price at its bounds, which determines nothing.
      const sensitivity = (EPSILON * row.priceUsd) / (vega * row.volatility)
      const found = impliedVolatility(row)
      if (sensitivity < 2e-14) determined += 1
      const bound = sensitivity < 2e-14 ? 1e-13 : 5 * sensitivity
      const error = found === undefined || found === 0 ? 0.05 : Math.abs(found / row.volatility - 1)
      if (error > bound) outside.push({ ...row, found, bound })
    }
    expect(outside).toEqual([])
    expect(determined).toBeGreaterThan(430)
  })
})

test('an option without volatility or time is worth its discounted payoff', () => {
  const inputs = { forwardUsd: 110, strikeUsd: 100, discount: 0.9, right: 'call' as const }
  expect(priceOption({ ...inputs, volatility: 0, years: 1 })).toBe(9)
  expect(priceOption({ ...inputs, volatility: 1, years: 0 })).toBe(9)
  expect(priceOption({ ...inputs, volatility: 0, years: 1, right: 'put' })).toBe(0)
  expect(intrinsic('put', 90, 100)).toBe(10)
  expect(greeks({ ...inputs, volatility: 0, years: 1 }, 0.1).delta).toBe(0.9)
})

test('a price outside its bounds has no volatility, and one at its payoff has none at all', () => {
  const option = { forwardUsd: 100, strikeUsd: 90, years: 1, right: 'call' as const }
  expect(impliedVolatility({ ...option, priceUsd: 9.99 })).toBeUndefined()
  expect(impliedVolatility({ ...option, priceUsd: 100 })).toBeUndefined()
  expect(impliedVolatility({ ...option, priceUsd: 10 })).toBe(0)
  expect(impliedVolatility({ ...option, priceUsd: NaN })).toBeUndefined()
  expect(impliedVolatility({ ...option, priceUsd: 20, years: 0 })).toBeUndefined()
})
