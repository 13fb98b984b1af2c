import { describe, expect, test } from 'vitest'
import { ISOLATED_PARAMETERS, isolatedMargin } from '../../../sdk/risk/isolated.ts'
import { InvalidPortfolioError } from '../../../sdk/risk/invalid-portfolio.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { liquidationPrices, moveSpot } from '../../../sdk/risk/questions/liquidation-prices.ts'
import { type OrderQuestion, maxOrderSize } from '../../../sdk/risk/questions/order-size.ts'
import { combine, simulate } from '../../../sdk/risk/questions/simulate.ts'
import { availableToWithdraw } from '../../../sdk/risk/questions/withdrawal.ts'
import { PARAMETERS, flatMarket, holding, option } from './markets.ts'

const flat = flatMarket({
  spotUsd: 100,
  expiries: [{ days: 7 }, { days: 60 }],
  perpetual: { priceUsd: 100, confidence: 1 },
})
const market: RiskMarket = {
  ...flat,
  collaterals: [
    { asset: 2, priceUsd: 100, confidence: 1 },
    { asset: 3, priceUsd: 1, confidence: 1 },
  ],
}
const rules: RiskParameters = {
  ...PARAMETERS,
  collaterals: [
    { asset: 2, underlying: 1, cancelsRisk: true, maintenance: 0.015, initialExtra: 0.005 },
    { asset: 3, cancelsRisk: false, maintenance: 0.1, initialExtra: 0.05 },
  ],
}
const initial = (portfolio: Portfolio) => computeMargin(portfolio, market, rules).initialUsd
const short = holding([option('call', 110, 7, -5)], 200)

describe('simulate', () => {
  test('gives the margin that the engine gives to the whole, and adds equal series up', () => {
    const change = holding([option('call', 110, 7, 2), option('put', 90, 60, 1)], -12)
    const { after, before, allowed } = simulate(short, change, market, rules)
    const whole = combine(short, change)
    expect(whole.options).toHaveLength(2)
    expect(whole.options[0]?.size).toBe(-3)
    expect(whole.cashUsd).toBe(188)
    expect(after).toEqual(computeMargin(whole, market, rules))
    expect(before).toEqual(computeMargin(short, market, rules))
    expect(allowed).toBe(true)
  })

  test('a change that closes a position leaves none', () => {
    const closing = holding([option('call', 110, 7, 5)])
    expect(combine(short, closing).options).toEqual([])
    expect(simulate(short, closing, market, rules).stateAfter).toBe('HEALTHY')
  })

  test('short of initial margin, adding risk is refused and reducing is allowed', () => {
    const poor = { ...short, cashUsd: 60 }
    const more = simulate(poor, holding([option('call', 110, 7, -1)]), market, rules)
    expect(more.before.initialUsd).toBeLessThan(0)
    expect(more.allowed).toBe(false)
    const less = simulate(poor, holding([option('call', 110, 7, 1)], -1.3), market, rules)
    expect(less.after.initialUsd).toBeLessThan(0)
    expect(less.allowed).toBe(true)
    expect(simulate(poor, holding([], -1), market, rules).allowed).toBe(false)
    // Money brought along does not buy more risk before initial margin is whole again.
    const both = simulate(poor, holding([option('call', 110, 7, -0.1)], 5), market, rules)
    expect(both.after.initialUsd).toBeGreaterThan(both.before.initialUsd)
    expect(both.after.initialUsd).toBeLessThan(0)
    expect(both.allowed).toBe(false)
  })
})

describe('liquidation prices', () => {
  const [prices] = liquidationPrices(short, market, rules)

  test('are where maintenance margin turns negative, and not before', () => {
    const at = (spot: number) =>
      computeMargin(short, moveSpot(market, 1, spot / 100, rules), rules).maintenanceUsd
    const above = prices?.aboveUsd ?? NaN
    expect(above).toBeGreaterThan(105)
    expect(at(above)).toBeLessThan(0)
    expect(at(above * (1 - 1e-9))).toBeGreaterThanOrEqual(0)
    expect(prices?.belowUsd).toBeUndefined()
  })

  test('exist on both sides of a short straddle, and are here when it is too late', () => {
    const straddle = holding([option('call', 100, 60, -5), option('put', 100, 60, -5)], 350)
    const [both] = liquidationPrices(straddle, market, rules)
    expect(both?.belowUsd).toBeLessThan(100)
    expect(both?.aboveUsd).toBeGreaterThan(100)
    const [late] = liquidationPrices({ ...straddle, cashUsd: 0 }, market, rules)
    expect(late).toMatchObject({ belowUsd: 100, aboveUsd: 100 })
  })

  test('collateral of the underlying falls with it, a stable coin does not', () => {
    const moved = moveSpot(market, 1, 0.5, rules)
    expect(moved.collaterals.map(({ priceUsd }) => priceUsd)).toEqual([50, 1])
    expect(moved.underlyings[0]?.perpetual?.priceUsd).toBe(50)
    expect(() => moveSpot(market, 1, 0, rules)).toThrow(InvalidPortfolioError)
  })
})

describe('what may be withdrawn', () => {
  const held: Portfolio = {
    ...short,
    collaterals: [
      { asset: 2, amount: 1 },
      { asset: 3, amount: 500 },
    ],
  }

  test('leaves initial margin at 0, to the last digits, and is never more than is held', () => {
    const { cashUsd, collaterals } = availableToWithdraw(held, market, rules)
    const [coin = NaN, stable = NaN] = collaterals.map(({ amount }) => amount)
    expect(cashUsd).toBe(200)
    const without = (asset: number, taken: number) => ({
      ...held,
      collaterals: held.collaterals.map((entry) =>
        entry.asset === asset ? { asset, amount: entry.amount - taken } : entry,
      ),
    })
    expect(coin).toBe(1)
    expect(stable).toBe(500)
    const tight = { ...held, cashUsd: -420 }
    const left = availableToWithdraw(tight, market, rules)
    expect(left.cashUsd).toBe(0)
    const taken = left.collaterals[1]?.amount ?? NaN
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(500)
    const after = { ...without(3, taken), cashUsd: -420 }
    expect(initial(after)).toBeGreaterThanOrEqual(0)
    expect(initial(after)).toBeLessThan(1e-9)
  })

  test('is nothing while initial margin is short', () => {
    const poor = availableToWithdraw({ ...held, cashUsd: -700 }, market, rules)
    expect(poor.cashUsd).toBe(0)
    expect(poor.collaterals.map(({ amount }) => amount)).toEqual([0, 0])
  })
})

describe('the largest order', () => {
  const question: OrderQuestion = {
    series: { underlying: 1, expiryS: 7 * 86_400, strikeUsd: 110, right: 'call' },
    side: 'sell',
    priceUsd: 1.2,
    lot: 0.1,
    sizeMax: 1e6,
  }
  const after = (portfolio: Portfolio, size: number) =>
    initial(combine(portfolio, holding([option('call', 110, 7, -size)], size * 1.2)))

  test('is allowed, and one lot more is not', () => {
    const size = maxOrderSize(short, question, market, rules)
    expect(size).toBeGreaterThan(1)
    expect(after(short, size)).toBeGreaterThanOrEqual(0)
    expect(after(short, size + 0.1)).toBeLessThan(0)
    expect(Math.abs(size / 0.1 - Math.round(size / 0.1))).toBeLessThan(1e-9)
    expect(maxOrderSize(short, { ...question, sizeMax: 1 }, market, rules)).toBe(1)
  })

  test('short of margin only a reducing order is allowed', () => {
    const poor = { ...short, cashUsd: 60 }
    expect(maxOrderSize(poor, question, market, rules)).toBe(0)
    const buy: OrderQuestion = { ...question, side: 'buy', priceUsd: 1.25 }
    expect(maxOrderSize(poor, buy, market, rules)).toBeGreaterThan(4)
  })

  test.each([{ priceUsd: -1 }, { priceUsd: NaN }, { lot: 0 }, { sizeMax: 0 }, { lot: 1e-9 }])(
    'a question with %o is refused',
    (change) => {
      const asked = () => maxOrderSize(short, { ...question, ...change }, market, rules)
      expect(asked).toThrow(InvalidPortfolioError)
    },
  )
})

describe('isolated margin', () => {
  const need = (portfolio: Portfolio) => isolatedMargin(portfolio, market, rules)

  test('charges a short option by its distance, an owned one its premium, a perpetual its notional', () => {
    expect(need(holding([option('call', 100, 60, -2)])).initialRequirementUsd).toBeCloseTo(30, 9)
    expect(need(holding([option('call', 103, 60, -2)])).initialRequirementUsd).toBeCloseTo(24, 9)
    expect(need(holding([option('put', 50, 60, -2)])).initialRequirementUsd).toBeCloseTo(20, 9)
    expect(need(holding([option('call', 100, 60, -2)])).maintenanceRequirementUsd).toBeCloseTo(
      15,
      9,
    )
    const owned = need(holding([option('call', 100, 60, 2)], 7))
    expect(owned.initialUsd).toBeCloseTo(7, 9)
    const perpetual = { ...holding([]), perpetuals: [{ underlying: 1, size: -2, unsettledUsd: 3 }] }
    expect(need(perpetual)).toMatchObject({ equityUsd: 3, initialRequirementUsd: 10 })
    expect(ISOLATED_PARAMETERS.perpetual.maintenance).toBe(0.03)
  })

  test('gives a spread no credit, which portfolio margin does', () => {
    const spread = holding([option('put', 90, 60, -1), option('put', 100, 60, 1)])
    const portfolio = computeMargin(spread, market, rules).initialRequirementUsd
    expect(need(spread).initialRequirementUsd).toBeGreaterThan(2 * portfolio)
    const held = { ...holding([]), collaterals: [{ asset: 3, amount: 100 }] }
    expect(need(held)).toMatchObject({ equityUsd: 100, initialUsd: 85, maintenanceUsd: 90 })
  })
})
