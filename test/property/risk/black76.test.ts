import fc from 'fast-check'
import { expect, test } from 'vitest'
import { priceOption } from '../../../sdk/risk/black76.ts'
import { greeks } from '../../../sdk/risk/greeks.ts'
import { impliedVolatility } from '../../../sdk/risk/implied-volatility.ts'
import { surfaceVolatility } from '../../../sdk/risk/svi.ts'
import { runs } from './runs.ts'

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })

const inputs = fc.record({
  right: fc.constantFrom('call' as const, 'put' as const),
  forwardUsd: between(1, 200_000),
  moneyness: between(0.05, 20),
  volatility: between(0.01, 5),
  years: between(1 / 8_760, 3),
  discount: between(0.3, 1),
})

type Drawn = Omit<Parameters<typeof priceOption>[0], 'strikeUsd'> & { moneyness: number }

function option({ moneyness, ...rest }: Drawn) {
  return { ...rest, strikeUsd: rest.forwardUsd * moneyness }
}

test('put–call parity holds to the last rounding', () => {
  const property = fc.property(inputs, (drawn) => {
    const given = option(drawn)
    const call = priceOption({ ...given, right: 'call' })
    const put = priceOption({ ...given, right: 'put' })
    const parity = given.discount * (given.forwardUsd - given.strikeUsd)
    const scale = Math.max(given.forwardUsd, given.strikeUsd)
    expect(Math.abs(call - put - parity) / scale).toBeLessThan(5e-16)
  })
  fc.assert(property, runs(2_000))
})

test('a price lies between the payoff and what it can pay at most, and grows with volatility', () => {
  const property = fc.property(inputs, between(1, 1.5), (drawn, growth) => {
    const given = option(drawn)
    const { right, forwardUsd, strikeUsd, discount, volatility } = given
    const price = priceOption(given)
    const gap = forwardUsd - strikeUsd
    const payoff = Math.max(right === 'call' ? gap : -gap, 0)
    const most = right === 'call' ? forwardUsd : strikeUsd
    const slack = 4e-16 * Math.max(forwardUsd, strikeUsd)
    expect(price).toBeGreaterThanOrEqual(discount * payoff)
    expect(price).toBeLessThanOrEqual(discount * most + slack)
    const wilder = priceOption({ ...given, volatility: volatility * growth })
    expect(wilder).toBeGreaterThanOrEqual(price - slack)
  })
  fc.assert(property, runs(2_000))
})

test('Greeks are the slopes of the price', () => {
  const property = fc.property(inputs, between(-0.1, 0.5), (drawn, rate) => {
    const discount = Math.exp(-rate * drawn.years)
    const given = { ...option(drawn), discount }
    const { forwardUsd, volatility, years, strikeUsd } = given
    fc.pre(volatility * Math.sqrt(years) > 0.02)
    const slope = (at: (change: number) => number, step: number) =>
      (at(-2 * step) - 8 * at(-step) + 8 * at(step) - at(2 * step)) / (12 * step)
    const { delta, gamma, vega, theta, rho } = greeks(given, rate)
    const price = (change: Partial<typeof given>) => priceOption({ ...given, ...change })
    const width = 0.02 * volatility * Math.sqrt(years)
    const scale = Math.max(forwardUsd, strikeUsd)

    const byForward = (change: number) => price({ forwardUsd: forwardUsd + change })
    expect(slope(byForward, forwardUsd * width)).toBeCloseTo(delta, 5)
    const byDelta = (change: number) =>
      greeks({ ...given, forwardUsd: forwardUsd + change }, rate).delta
    const scaledGamma = slope(byDelta, forwardUsd * width) * forwardUsd
    expect(Math.abs(scaledGamma - gamma * forwardUsd)).toBeLessThan(1e-4 * (1 + 1 / width))
    const byVolatility = (change: number) => price({ volatility: volatility + change })
    expect(Math.abs(slope(byVolatility, 0.01 * volatility) - vega) / scale).toBeLessThan(1e-5)
    const byTime = (change: number) =>
      price({ years: years - change, discount: Math.exp(-rate * (years - change)) })
    const thetaError = Math.abs(slope(byTime, years * 0.01) - theta)
    expect(thetaError / (scale / years)).toBeLessThan(1e-5)
    const byRate = (change: number) => price({ discount: Math.exp(-(rate + change) * years) })
    expect(Math.abs(slope(byRate, 0.001) - rho) / (scale * years)).toBeLessThan(1e-8)
  })
  fc.assert(property, runs(500))
})

test('vanna and volga are the slopes of delta and vega in volatility', () => {
  const property = fc.property(inputs, (drawn) => {
    const given = option(drawn)
    const { forwardUsd, volatility, years } = given
    fc.pre(volatility * Math.sqrt(years) > 0.02)
    const width = 1e-4 * volatility
    const at = (change: number) => greeks({ ...given, volatility: volatility + change }, 0)
    const [low, high] = [at(-width), at(width)]
    const { vanna, volga } = greeks(given, 0)
    const slopes = { delta: high.delta - low.delta, vega: high.vega - low.vega }
    expect(Math.abs(slopes.delta / (2 * width) - vanna) * volatility).toBeLessThan(1e-5)
    const scale = (forwardUsd * Math.sqrt(years)) / volatility
    expect(Math.abs(slopes.vega / (2 * width) - volga) / scale).toBeLessThan(1e-5)
  })
  fc.assert(property, runs(500))
})

test('a price gives back its volatility where it determines it', () => {
  const property = fc.property(inputs, (drawn) => {
    const given = { ...option(drawn), discount: 1 }
    const priceUsd = priceOption(given)
    const { vega } = greeks(given, 0)
    const found = impliedVolatility({ ...given, priceUsd })
    const scale = Math.max(given.forwardUsd, given.strikeUsd)
    // A price carries an absolute error of a few units of the larger of forward and strike.
    const bound = 1e-14 + (1e-15 * scale) / (vega * given.volatility)
    // A price at its bounds determines nothing: then the bound is wide as well.
    const error = found === undefined || found === 0 ? 0.01 : Math.abs(found / given.volatility - 1)
    expect(error > bound).toBe(false)
  })
  fc.assert(property, runs(2_000))
})

test('a surface gives every strike a volatility, the same for all strikes beyond its range', () => {
  const slice = fc.record({
    a: between(0.001, 0.5),
    b: between(0, 1),
    rho: between(-0.99, 0.99),
    m: between(-1, 1),
    s: between(0.01, 2),
    years: between(0.001, 3),
  })
  const property = fc.property(slice, between(1e-6, 1e6), (drawn, ratio) => {
    const volatility = surfaceVolatility(drawn, 100, 100 * ratio)
    expect(Number.isFinite(volatility)).toBe(true)
    expect(volatility).toBeGreaterThanOrEqual(0)
    expect(volatility * volatility * drawn.years).toBeLessThanOrEqual(20 * (1 + 1e-12))
    const bound = 4 * Math.sqrt(Math.max(drawn.a + drawn.b * drawn.s, 0))
    for (const side of [-1, 1]) {
      const beyond = (distance: number) =>
        surfaceVolatility(drawn, 100, 100 * Math.exp(side * (bound + distance)))
      expect(beyond(1)).toBe(beyond(0.001))
    }
  })
  fc.assert(property, runs(1_000))
})
