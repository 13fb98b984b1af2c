import { describe, expect, test } from 'vitest'
import { type BlackInputs, priceOption } from '../../../sdk/risk/black76.ts'
import { type Greeks, greeks } from '../../../sdk/risk/greeks.ts'
import { logarithm } from '../../../sdk/risk/numeric/logarithm.ts'
import { volatilityFromPrice } from '../../../sdk/risk/volatility-from-price.ts'
import {
  type Fixed,
  densityReference,
  fixedOf,
  logarithmReference,
  normalReference,
  over,
  squareRootReference,
  times,
  toNumber,
} from './reference.ts'

// Goal: prices and Greeks against the same formulas in whole numbers with 600 bits behind the point.

type Figure = 'price' | keyof Greeks

/** Every figure of an option; the rate is a double, as theta takes it. */
function reference(inputs: BlackInputs, rate: number): Record<Figure, Fixed> {
  const [forward, strike] = [fixedOf(inputs.forwardUsd), fixedOf(inputs.strikeUsd)]
  const [volatility, years] = [fixedOf(inputs.volatility), fixedOf(inputs.years)]
  const discount = fixedOf(inputs.discount)
  const root = squareRootReference(years)
  const deviation = times(volatility, root)
  const ratio = over(forward, strike)
  const log = logarithmReference(ratio, logarithm(inputs.forwardUsd / inputs.strikeUsd))
  const d1 = over(log, deviation) + deviation / 2n
  const d2 = d1 - deviation
  const sign = inputs.right === 'call' ? 1n : -1n
  const [n1, n2] = [normalReference(sign * d1), normalReference(sign * d2)]
  const price = times(discount, sign * (times(forward, n1) - times(strike, n2)))
  const density = times(discount, densityReference(d1))
  const vega = times(times(forward, density), root)
  return {
    price,
    delta: sign * times(discount, n1),
    gamma: over(density, times(forward, deviation)),
    vega,
    theta:
      times(fixedOf(rate), price) - over(times(times(forward, density), volatility), 2n * root),
    rho: -times(years, price),
    vanna: -over(times(density, d2), volatility),
    volga: over(times(vega, times(d1, d2)), volatility),
  }
}

const spread = (i: number, by: number): number => (i * by + 0.137) % 1

/** Options from the last minute to three years, from deep in to far out of the money. */
const options: BlackInputs[] = Array.from({ length: 160 }, (_, i) => {
  const years = 10 ** (-5.5 + 6 * spread(i, 0.618_033_988_749_894_9))
  const volatility = 10 ** (-1 + 1.3 * spread(i, 0.754_877_666_246_692_7))
  const deviations = 13 * (spread(i, 0.569_840_290_998_053_3) - 0.5)
  const strikeUsd = 100 * Math.exp(deviations * volatility * Math.sqrt(years))
  const right = i % 2 === 0 ? 'call' : 'put'
  return {
    right,
    forwardUsd: 100,
    strikeUsd,
    volatility,
    years,
    discount: 0.9 + 0.1 * spread(i, 0.31),
  }
})

describe('against 600 bits', () => {
  const worst: Partial<Record<Figure, number>> = {}
  const record = (figure: Figure, error: number): void => {
    worst[figure] = Math.max(worst[figure] ?? 0, error)
  }
  for (const inputs of options) {
    const rate = 0.07
    const exact = reference(inputs, rate)
    const ours = { price: priceOption(inputs), ...greeks(inputs, rate) }
    const { forwardUsd, strikeUsd, volatility, years } = inputs
    const scale = Math.max(forwardUsd, strikeUsd)
    const deviation = volatility * Math.sqrt(years)
    // What each figure is measured in: its largest over all strikes, and as much again as it moves
    // when the forward moves by a few units of its last place, which near expiry is more.
    const moved = 1 + 1 / deviation
    const units: Record<Figure, number> = {
      price: scale,
      delta: moved,
      gamma: moved / (forwardUsd * deviation),
      vega: moved * forwardUsd * Math.sqrt(years),
      theta: (moved * forwardUsd * volatility) / Math.sqrt(years) + scale,
      rho: scale * years,
      vanna: moved / volatility,
      volga: (moved * forwardUsd * Math.sqrt(years)) / volatility,
    }
    for (const [name, unit] of Object.entries(units)) {
      const figure = name as Figure
      record(figure, Math.abs(toNumber(fixedOf(ours[figure]) - exact[figure])) / unit)
    }
  }

  test.each(Object.keys(worst) as Figure[])('%s is within 1e-15 of its scale', (figure) => {
    expect(worst[figure]).toBeLessThan(1e-15)
  })
})

test('a price twelve deviations out keeps twelve digits, and gives back its volatility', () => {
  for (const deviations of [4, 6, 8, 10, 12]) {
    const [volatility, years] = [0.6, 0.25]
    const strikeUsd = 100 * Math.exp(deviations * volatility * Math.sqrt(years))
    const inputs = {
      right: 'call' as const,
      forwardUsd: 100,
      strikeUsd,
      volatility,
      years,
      discount: 1,
    }
    const exact = reference(inputs, 0).price
    const priceUsd = priceOption(inputs)
    expect(Math.abs(priceUsd / toNumber(exact) - 1)).toBeLessThan(1e-12)
    const found = volatilityFromPrice({ ...inputs, priceUsd: toNumber(exact) })
    expect(Math.abs(found / volatility - 1)).toBeLessThan(1e-15)
  }
})
