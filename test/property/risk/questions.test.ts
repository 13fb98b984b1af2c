import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Extensions } from '../../../sdk/risk/extension-parameters.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { maxOrderSize } from '../../../sdk/risk/questions/order-size.ts'
import { combine, simulate } from '../../../sdk/risk/questions/simulate.ts'
import { availableToWithdraw } from '../../../sdk/risk/questions/withdrawal.ts'
import { PARAMETERS, between, market, portfolio, slack } from './portfolios.ts'
import { runs } from './runs.ts'

/** Every charge beside PM2 at once. */
const CHARGES: Extensions = {
  latency: { deviations: 3.09, stateAgeS: 60 },
  size: { thresholdUsd: 500, slope: 0.02, shareMax: 0.1 },
  rollShock: [{ underlying: 1, share: 0.01 }],
  notionalFloor: 0.001,
}

/** The market with a second underlying of the same marks, and positions spread over both. */
function doubled(marks: RiskMarket): RiskMarket {
  return {
    ...marks,
    underlyings: marks.underlyings.flatMap((one) => [one, { ...one, underlying: 2 }]),
  }
}
function spread(given: Portfolio): Portfolio {
  const options = given.options.map((option, i) => ({ ...option, underlying: 1 + (i % 2) }))
  return { ...given, options }
}

/** Cash that leaves an account with a share of its requirement as I. */
function funded(given: Portfolio, marks: RiskMarket, rules: RiskParameters, share: number) {
  const { initialUsd, initialRequirementUsd } = computeMargin(given, marks, rules)
  return { ...given, cashUsd: given.cashUsd - initialUsd + share * initialRequirementUsd }
}

test('V11, V12: what is allowed ends with I ≥ 0, or leaves nothing worse, with and without extensions', () => {
  const rules = fc.constantFrom(PARAMETERS, { ...PARAMETERS, extensions: CHARGES })
  const property = fc.property(
    portfolio,
    portfolio,
    market,
    rules,
    between(-0.2, 1),
    (given, change, marks, parameters, share) => {
      const held = funded(given, marks, parameters, share)
      const { before, after, allowed } = simulate(held, change, marks, parameters)
      const least = Math.min(before.maintenanceUsd, 0) - slack(held, change)
      const fine =
        after.initialUsd >= Math.min(before.initialUsd, 0) && after.maintenanceUsd >= least
      expect(allowed ? fine : after.initialUsd < 0).toBe(true)
    },
  )
  fc.assert(property, runs(200))
})

test('what may be withdrawn can be, and no more', () => {
  const property = fc.property(portfolio, market, between(-0.2, 2), (given, marks, share) => {
    const held = combine(funded(given, marks, PARAMETERS, share), {
      ...given,
      cashUsd: 0,
      options: [],
      perpetuals: [],
    })
    const initial = (taken: { cash?: number; asset?: number; amount?: number }) =>
      computeMargin(
        {
          ...held,
          cashUsd: held.cashUsd - (taken.cash ?? 0),
          collaterals: held.collaterals.map((entry) =>
            entry.asset === taken.asset
              ? { ...entry, amount: entry.amount - (taken.amount ?? 0) }
              : entry,
          ),
        },
        marks,
        PARAMETERS,
      ).initialUsd
    const { cashUsd, collaterals } = availableToWithdraw(held, marks, PARAMETERS)
    expect(cashUsd).toBeGreaterThanOrEqual(0)
    expect(cashUsd).toBeLessThanOrEqual(Math.max(held.cashUsd, 0))
    const tolerance = slack(held) * 10 + 1e-12 * Math.abs(held.cashUsd)
    const short = initial({}) < 0
    const nothing = cashUsd === 0 && collaterals.every(({ amount }) => amount === 0)
    expect(short ? nothing : initial({ cash: cashUsd }) >= -tolerance).toBe(true)
    for (const { asset, amount } of collaterals) {
      const whole = held.collaterals.find((entry) => entry.asset === asset)?.amount ?? 0
      expect(amount).toBeLessThanOrEqual(whole)
      const kept = initial({ asset, amount }) >= -tolerance
      const most = amount === whole || initial({ asset, amount: amount + 1e-6 }) < tolerance
      expect(short || (kept && most)).toBe(true)
    }
  })
  fc.assert(property, runs(100))
})

test('the largest order is allowed', () => {
  const series = fc.record({
    underlying: fc.constant(1),
    expiryS: fc.constantFrom(2 * 86_400, 120 * 86_400),
    strikeUsd: fc.constantFrom(80, 100, 125),
    right: fc.constantFrom('call' as const, 'put' as const),
  })
  const side = fc.constantFrom('buy' as const, 'sell' as const)
  const property = fc.property(
    portfolio,
    market,
    series,
    side,
    between(0, 30),
    (given, marks, asked, which, priceUsd) => {
      const held = funded(given, marks, PARAMETERS, 0.5)
      const question = { series: asked, side: which, priceUsd, lot: 0.01, sizeMax: 100 }
      const size = maxOrderSize(held, question, marks, PARAMETERS)
      expect(size).toBeGreaterThanOrEqual(0)
      expect(size).toBeLessThanOrEqual(100)
      const signed = which === 'buy' ? size : -size
      const options = [{ ...asked, size: signed }]
      const change = { cashUsd: -signed * priceUsd, options, collaterals: [] }
      expect(size === 0 || simulate(held, change, marks, PARAMETERS).allowed).toBe(true)
    },
  )
  fc.assert(property, runs(60))
})

test('E1: the joint loss lies between the kept share and the sum, and falls as more gains count', () => {
  const property = fc.property(
    portfolio,
    market,
    between(0, 1),
    between(0, 1),
    between(0, 1),
    (given, marks, a, b, keep) => {
      const held = spread(given)
      const at = (share: number) => {
        const offsets = [1, 2].map((underlying) => ({ underlying, share, gainMaxUsd: 1e6 }))
        const extensions = { crossUnderlying: { offsets, keep } }
        return computeMargin(held, doubled(marks), { ...PARAMETERS, extensions })
      }
      const [less, more] = [at(Math.min(a, b)), at(Math.max(a, b))]
      for (const { worstLossUsd, offsetUsd } of [less, more]) {
        expect(offsetUsd).toBeGreaterThanOrEqual(0)
        expect(offsetUsd).toBeLessThanOrEqual((1 - keep) * worstLossUsd + slack(held))
      }
      expect(more.offsetUsd).toBeGreaterThanOrEqual(less.offsetUsd - slack(held))
      expect(more.initialUsd).toBeLessThanOrEqual(more.maintenanceUsd)
    },
  )
  fc.assert(property, runs(150))
})

test('charges only ever raise requirements, and initial margin stays above maintenance', () => {
  const property = fc.property(portfolio, market, (given, marks) => {
    const plain = computeMargin(given, marks, PARAMETERS)
    const charged = computeMargin(given, marks, { ...PARAMETERS, extensions: CHARGES })
    expect(charged.initialUsd).toBeLessThanOrEqual(plain.initialUsd)
    expect(charged.maintenanceUsd).toBeLessThanOrEqual(plain.maintenanceUsd)
    expect(charged.initialUsd).toBeLessThanOrEqual(charged.maintenanceUsd)
    expect(charged.equityUsd).toBe(plain.equityUsd)
  })
  fc.assert(property, runs(150))
})

test('more collateral never lowers a balance', () => {
  const property = fc.property(
    portfolio,
    market,
    fc.constantFrom(2, 3),
    between(0, 50),
    (given, marks, asset, amount) => {
      const more = { ...given, collaterals: [...given.collaterals, { asset, amount }] }
      const [before, after] = [given, more].map((held) => computeMargin(held, marks, PARAMETERS))
      for (const key of ['equityUsd', 'initialUsd', 'maintenanceUsd'] as const) {
        expect(after?.[key]).toBeGreaterThanOrEqual((before?.[key] ?? NaN) - slack(given))
      }
    },
  )
  fc.assert(property, runs(150))
})
