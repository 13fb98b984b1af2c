import { expect, test } from 'vitest'
import { fitSvi } from '../../../sdk/risk/surface/svi-fit.ts'
import { totalVariance } from '../../../sdk/risk/svi.ts'

const BOUNDS = { mMax: 1, sMin: 0.01, sMax: 2 }
const KS = Array.from({ length: 21 }, (_, i) => -0.5 + i * 0.05)

test('a smile that is raw SVI gives back its parameters', () => {
  const shape = { a: 0.01, b: 0.12, rho: -0.4, m: 0.03, s: 0.15 }
  const points = KS.map((logMoneyness) => ({
    logMoneyness,
    totalVariance: totalVariance({ ...shape, years: 1 }, logMoneyness),
    weight: 1,
  }))
  const fit = fitSvi(points, { starts: [{ m: 0, s: 0.3 }], bounds: BOUNDS })
  expect(fit.cost).toBeLessThan(1e-14)
  for (const key of ['a', 'b', 'rho', 'm', 's'] as const) {
    expect(fit.shape[key]).toBeCloseTo(shape[key], 4)
  }
})

test('a smile that no slice has still gives a slice without negative variance', () => {
  const points = KS.map((logMoneyness, i) => ({
    logMoneyness,
    totalVariance: i % 2 === 0 ? 0.001 : 0.3,
    weight: 1,
  }))
  const { shape } = fitSvi(points, { starts: [{ m: 0, s: 0.3 }], bounds: BOUNDS })
  const lowest = shape.a + shape.b * shape.s * Math.sqrt(1 - shape.rho * shape.rho)
  expect(lowest).toBeGreaterThanOrEqual(0)
  expect(shape.b * (1 + Math.abs(shape.rho))).toBeLessThanOrEqual(2)
  expect(Math.abs(shape.rho)).toBeLessThan(1)
})

test('a rule beside the points moves the fit', () => {
  const points = KS.map((logMoneyness) => ({ logMoneyness, totalVariance: 0.04, weight: 1 }))
  const penalty = (shape: { b: number }) => (shape.b < 0.05 ? 10 * (0.05 - shape.b) : 0)
  const options = { starts: [{ m: 0, s: 0.3 }], bounds: BOUNDS }
  const free = fitSvi(points, options)
  expect(free.shape.b).toBeLessThan(0.01)
  expect(fitSvi(points, { ...options, penalty }).cost).toBeGreaterThan(free.cost)
  expect(() => fitSvi(points, { ...options, starts: [] })).toThrow('start')
})
