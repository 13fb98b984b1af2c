import { describe, expect, test } from 'vitest'
import { findArbitrage } from '../../../sdk/risk/surface/arbitrage.ts'
import {
  ArbitrageError,
  type SurfaceSlice,
  calibrateSurface,
  checkSurface,
} from '../../../sdk/risk/surface/calibrate.ts'
import { type QuotedExpiry, smilePoints } from '../../../sdk/risk/surface/quotes.ts'
import { ssviFault, ssviShape } from '../../../sdk/risk/surface/ssvi.ts'
import { forwardBetween, volatilityBetween } from '../../../sdk/risk/surface/term-structure.ts'
import { RiskError } from '../../../sdk/risk/risk-error.ts'
import { type SviSlice, surfaceVolatility, totalVariance } from '../../../sdk/risk/svi.ts'

const STRIKES = Array.from({ length: 31 }, (_, i) => 55 + 3 * i)

/** Quotes that a slice gives, without error. */
function quoted(slice: SviSlice, expiryS: number, forwardUsd = 100): QuotedExpiry {
  const quotes = STRIKES.map((strikeUsd) => ({
    strikeUsd,
    volatility: surfaceVolatility(slice, forwardUsd, strikeUsd),
  }))
  return { expiryS, years: slice.years, forwardUsd, quotes }
}

const near: SviSlice = { a: 0.01, b: 0.08, rho: -0.2, m: 0, s: 0.15, years: 0.1 }
const far: SviSlice = { a: 0.05, b: 0.15, rho: -0.3, m: 0.02, s: 0.3, years: 0.5 }

test('quotes of a raw SVI surface give it back, in any order of expiries', () => {
  const surface = calibrateSurface([quoted(far, 2), quoted(near, 1)], { model: 'svi' })
  expect(surface.slices.map(({ expiryS }) => expiryS)).toEqual([1, 2])
  for (const { worst, quotes } of surface.errors) {
    expect(worst).toBeLessThan(5e-4)
    expect(quotes).toBe(STRIKES.length)
  }
  expect(surface.arbitrage).toEqual([])
})

test('quotes of an SSVI surface give back its three parameters', () => {
  const parameters = { rho: -0.35, eta: 0.9, gamma: 0.4 }
  const expiries = [0.02, 0.08, 0.3].map((theta, i) =>
    quoted({ ...ssviShape(parameters, theta), years: theta * 2 }, i + 1),
  )
  const { ssvi, errors } = calibrateSurface(expiries, { model: 'ssvi' })
  expect(ssvi?.rho).toBeCloseTo(parameters.rho, 2)
  expect(ssvi?.eta).toBeCloseTo(parameters.eta, 1)
  expect(ssvi?.gamma).toBeCloseTo(parameters.gamma, 1)
  for (const { median } of errors) expect(median).toBeLessThan(2e-3)
})

test('a smile of SSVI is the raw SVI slice that stands for it', () => {
  const parameters = { rho: -0.35, eta: 0.9, gamma: 0.4 }
  const theta = 0.08
  const phi = 0.9 / (theta ** 0.4 * (1 + theta) ** 0.6)
  const shape = ssviShape(parameters, theta)
  for (const k of [-1, -0.2, 0, 0.3, 2]) {
    const root = Math.sqrt((phi * k - 0.35) ** 2 + 1 - 0.35 ** 2)
    const expected = (theta / 2) * (1 - 0.35 * phi * k + root)
    expect(totalVariance({ ...shape, years: 1 }, k)).toBeCloseTo(expected, 13)
  }
  expect(ssviFault(parameters, theta)).toBeUndefined()
  expect(ssviFault({ ...parameters, eta: 9 }, theta)).toContain('θφ²')
  expect(ssviFault({ ...parameters, eta: 60, gamma: 0.01 }, 1)).toContain('θφ(1')
  expect(ssviFault({ ...parameters, rho: 1 }, theta)).toContain('ρ')
})

describe('arbitrage', () => {
  // Its wings rise so fast that the density between them and the money is negative.
  const sharp = { a: 0.005, b: 0.4, rho: -0.6, m: 0.05, s: 0.05, years: 1 }
  const wide = {
    ...quoted(sharp, 1),
    quotes: Array.from({ length: 41 }, (_, i) => {
      const strikeUsd = 100 * Math.exp(-0.6 + 0.03 * i)
      return { strikeUsd, volatility: Math.sqrt(totalVariance(sharp, -0.6 + 0.03 * i)) }
    }),
  }

  test('within an expiry is refused, or listed when it is allowed', () => {
    expect(() => calibrateSurface([wide], { model: 'svi' })).toThrow(ArbitrageError)
    const free = calibrateSurface([wide], { model: 'svi', allowArbitrage: true })
    expect(free.arbitrage).toMatchObject([{ kind: 'butterfly', expiryS: 1 }])
    expect(free.errors[0]?.medianInside).toBeLessThan(0.005)
  })

  test.each(['svi', 'ssvi'] as const)('between expiries is refused (%s)', (model) => {
    const falling = [quoted({ ...far, years: 0.1 }, 1), quoted({ ...near, years: 0.5 }, 2)]
    expect(() => calibrateSurface(falling, { model })).toThrow(ArbitrageError)
    const allowed = calibrateSurface(falling, { model, allowArbitrage: true })
    expect(allowed.arbitrage.map(({ kind }) => kind)).toContain('calendar spread')
  })

  test('of a given surface is refused with what was found', () => {
    const slices = [{ expiryS: 7, forwardUsd: 100, slice: sharp }]
    expect(findArbitrage(slices)).toHaveLength(1)
    expect(() => checkSurface(slices)).toThrow(ArbitrageError)
    expect(checkSurface([{ expiryS: 7, forwardUsd: 100, slice: near }])).toEqual([])
  })
})

describe('between expiries', () => {
  const slices: SurfaceSlice[] = [
    { expiryS: 1, forwardUsd: 100, slice: near },
    { expiryS: 2, forwardUsd: 104, slice: far },
  ]

  test('total variance is a straight line in time at equal log-moneyness', () => {
    for (const k of [-0.3, 0, 0.25]) {
      const at = (years: number) => {
        const forward = forwardBetween(slices, years)
        return volatilityBetween(slices, years, forward * Math.exp(k)) ** 2 * years
      }
      expect(at(0.1)).toBeCloseTo(totalVariance(near, k), 12)
      expect(at(0.5)).toBeCloseTo(totalVariance(far, k), 12)
      expect(at(0.3)).toBeCloseTo((totalVariance(near, k) + totalVariance(far, k)) / 2, 12)
      expect(at(0.2)).toBeGreaterThan(at(0.15))
    }
  })

  test('outside the expiries volatility and forward stay as they are at the edge', () => {
    const edge = surfaceVolatility(near, 100, 110)
    expect(volatilityBetween(slices, 0.01, 110)).toBeCloseTo(edge, 14)
    expect(forwardBetween(slices, 0.01)).toBe(100)
    expect(forwardBetween(slices, 3)).toBe(104)
    expect(volatilityBetween(slices, 3, 104)).toBeCloseTo(surfaceVolatility(far, 104, 104), 14)
    expect(forwardBetween(slices, 0.3)).toBeCloseTo(Math.sqrt(100 * 104), 10)
  })
})

test('sure quotes near the money weigh more than unsure ones and wings', () => {
  const base = quoted(near, 1)
  const [sure, unsure] = [0.001, 0.1].map((spread) =>
    smilePoints({ ...base, quotes: base.quotes.map((quote) => ({ ...quote, spread })) }),
  )
  const weight = (points: typeof sure, strike: number) =>
    points?.[STRIKES.indexOf(strike)]?.weight ?? 0
  expect(weight(sure, 100)).toBeGreaterThan(100 * weight(unsure, 100))
  expect(weight(sure, 100)).toBeGreaterThan(weight(sure, 145))
})

test.each([
  ['few strikes', { quotes: quoted(near, 1).quotes.slice(0, 4) }],
  ['no time', { years: 0 }],
  ['a forward of 0', { forwardUsd: 0 }],
  ['a volatility of 0', { quotes: STRIKES.map((strikeUsd) => ({ strikeUsd, volatility: 0 })) }],
])('quotes with %s are refused', (_what, change) => {
  const refused = () => calibrateSurface([{ ...quoted(near, 1), ...change }], { model: 'svi' })
  expect(refused).toThrow(RiskError)
  const twice = [quoted(near, 1), quoted(near, 1)]
  expect(() => calibrateSurface(twice, { model: 'svi' })).toThrow(RiskError)
  expect(() => calibrateSurface([], { model: 'svi' })).toThrow(RiskError)
})
