import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type SviSlice, surfaceVolatility, sviFault, totalVariance } from '../../../sdk/risk/svi.ts'
import { outsideFile, vectors } from '../../outside.ts'

const SLICE: SviSlice = { a: 0.01, b: 0.1, rho: -0.3, m: 0.05, s: 0.2, years: 0.25 }

const path = outsideFile(vectors, 'quantlib_svi.json', 1)
test.skipIf(path === undefined)('total variance at k = m is a + b·s', () => {
  const given = JSON.parse(readFileSync(path ?? '', 'utf8')) as Record<string, number>
  const { a = NaN, b = NaN, sigma: s = NaN, rho = NaN, m = NaN, w_expected: expected = NaN } = given
  const actual = totalVariance({ a, b, rho, m, s, years: given['tte'] ?? NaN }, m)
  expect(Math.abs(actual / expected - 1)).toBeLessThan(1e-10)
})

test('volatility comes from the surface’s own time and stays flat beyond four deviations', () => {
  const atForward = surfaceVolatility(SLICE, 100, 100)
  expect(atForward).toBeCloseTo(Math.sqrt(totalVariance(SLICE, 0) / 0.25), 14)
  const bound = 4 * Math.sqrt(SLICE.a + SLICE.b * SLICE.s)
  const edge = surfaceVolatility(SLICE, 100, 100 * Math.exp(bound))
  expect(surfaceVolatility(SLICE, 100, 1e9)).toBeCloseTo(edge, 12)
  expect(surfaceVolatility(SLICE, 100, 100 * Math.exp(bound * 0.9))).not.toBeCloseTo(edge, 6)
  const tall = { ...SLICE, a: 50 }
  expect(surfaceVolatility(tall, 100, 100)).toBeCloseTo(Math.sqrt(20 / 0.25), 12)
})

test('a slice that breaks a rule is named', () => {
  expect(sviFault(SLICE)).toBeUndefined()
  expect(sviFault({ ...SLICE, b: -1 })).toContain('b ≥ 0')
  expect(sviFault({ ...SLICE, rho: 1.1 })).toContain('ρ')
  expect(sviFault({ ...SLICE, s: 0 })).toContain('s > 0')
  expect(sviFault({ ...SLICE, years: 0 })).toContain('time')
  expect(sviFault({ ...SLICE, a: -1 })).toContain('variance')
  expect(sviFault({ ...SLICE, b: 1.9 })).toContain('wing')
  expect(sviFault({ ...SLICE, m: NaN })).toContain('finite')
})
