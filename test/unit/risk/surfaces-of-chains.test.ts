import { describe, expect, test } from 'vitest'
import { priceOption } from '../../../sdk/risk/black76.ts'
import { volatilityFromPrice } from '../../../sdk/risk/volatility-from-price.ts'
import { calibrateSurface } from '../../../sdk/risk/surface/calibrate.ts'
import { data, outsideFile } from '../../outside.ts'
import { chainFiles, quotedExpiries, readChain } from './chains.ts'

// Goal: recorded option chains of BTC and ETH, through a fall, are priced and fitted as closely as promised.

if (!data.present) outsideFile(data, 'deribit_options_snapshot_*.csv', 4)

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN

describe.skipIf(chainFiles.length === 0)('recorded chains', () => {
  test('marks are repriced from their volatilities within 4e-5 coin in the median', () => {
    expect(chainFiles.length).toBe(12)
    const errors = chainFiles.map((name) => {
      const rows = readChain(name).filter(({ volatility, years }) => volatility > 0 && years > 0)
      expect(rows.length).toBeGreaterThan(1_000)
      return rows.map((row) => {
        const priceUsd = priceOption({ ...row, discount: 1 })
        return Math.abs(priceUsd / row.forwardUsd - row.markCoin)
      })
    })
    expect(median(errors.flat())).toBeLessThan(2e-5)
    // Forwards tick while a snapshot is taken: in the fall by more than the marks are rounded to.
    for (const own of errors) expect(median(own)).toBeLessThan(5e-5)
  })

  test('volatilities come back from repriced marks', () => {
    const rows = readChain(chainFiles[0] ?? '')
    const errors = rows.flatMap((row) => {
      const priceUsd = priceOption({ ...row, discount: 1 })
      const intrinsicUsd = Math.max(
        row.right === 'call' ? row.forwardUsd - row.strikeUsd : row.strikeUsd - row.forwardUsd,
        0,
      )
      // A price whose time value has few digits left determines few of its volatility.
      if (priceUsd - intrinsicUsd < 1e-3 * row.forwardUsd) return []
      return [Math.abs(volatilityFromPrice({ ...row, priceUsd, discount: 1 }) / row.volatility - 1)]
    })
    expect(errors.length).toBeGreaterThan(500)
    expect(Math.max(...errors)).toBeLessThan(1e-12)
  })

  const picked = [0, 6].map((i) => chainFiles[i] ?? '')
  test.each([
    ['svi', 0.002],
    ['ssvi', 0.01],
  ] as const)('%s surfaces are within %d of the marks in the median', (model, most) => {
    const inside: number[] = []
    for (const name of picked) {
      const rows = readChain(name)
      for (const currency of ['BTC', 'ETH']) {
        const expiries = quotedExpiries(rows, currency)
        const surface = calibrateSurface(expiries, { model })
        expect(surface.slices.length).toBeGreaterThan(8)
        expect(surface.arbitrage).toEqual([])
        for (const { medianInside } of surface.errors) if (medianInside) inside.push(medianInside)
      }
    }
    expect(median(inside)).toBeLessThan(most)
  })
})
