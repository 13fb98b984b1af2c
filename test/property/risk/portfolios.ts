import fc from 'fast-check'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { OptionPosition, Portfolio, RiskMarket } from '../../../sdk/risk/portfolio.ts'

const DAY_S = 86_400
const DAYS = [2, 30, 120] as const
const STRIKES = [50, 80, 95, 100, 105, 125, 200, 300] as const

/** A double between two bounds. */
export const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })

/** Parameters of version 1 with a collateral that cancels risk and one that does not. */
export const PARAMETERS: RiskParameters = {
  ...BASE_PARAMETERS,
  version: 1,
  collaterals: [
    { asset: 2, underlying: 1, cancelsRisk: true, maintenance: 0.015, initialExtra: 0.005 },
    { asset: 3, underlying: 1, cancelsRisk: false, maintenance: 0.1, initialExtra: 0.05 },
  ],
}

/** Markets of one underlying with three expiries. */
export const market = fc
  .record({
    forwards: fc.tuple(between(97, 103), between(95, 108), between(92, 115)),
    volatilities: fc.tuple(between(0.2, 2.5), between(0.2, 1.5), between(0.2, 1.2)),
    rho: between(-0.8, 0.8),
    ratePerYear: between(-0.1, 0.4),
  })
  .map(({ forwards, volatilities, rho, ratePerYear }): RiskMarket => ({
    stableUsd: 1,
    underlyings: [
      {
        underlying: 1,
        spotUsd: 100,
        spotConfidence: 1,
        perpetual: { priceUsd: 100.2, confidence: 1 },
        expiries: DAYS.map((days, i) => {
          const years = days / 365
          const variance = (volatilities[i] ?? 1) ** 2 * years
          return {
            expiryS: days * DAY_S,
            secondsToExpiry: days * DAY_S,
            forwardUsd: forwards[i] ?? 100,
            ratePerYear,
            forwardConfidence: 1,
            rateConfidence: 1,
            volatilityConfidence: 1,
            surface: { a: variance / 2, b: variance, rho, m: 0, s: 0.5, years },
          }
        }),
      },
    ],
    collaterals: [
      { asset: 2, priceUsd: 100, confidence: 1 },
      { asset: 3, priceUsd: 5, confidence: 1 },
    ],
  }))

const size = fc.oneof(between(-20, 20), fc.constantFrom(-1, 1, -0.02, 0.02))

/** Up to eight options of the market. */
export function options(sizes: fc.Arbitrary<number>): fc.Arbitrary<OptionPosition[]> {
  const position = fc.record({
    underlying: fc.constant(1),
    expiryS: fc.constantFrom(...DAYS.map((days) => days * DAY_S)),
    strikeUsd: fc.constantFrom(...STRIKES),
    right: fc.constantFrom('call' as const, 'put' as const),
    size: sizes,
  })
  return fc.array(position, { maxLength: 8 })
}

/** Portfolios of the market. */
export const portfolio: fc.Arbitrary<Portfolio> = fc.record({
  cashUsd: between(-5_000, 5_000),
  options: options(size),
  perpetuals: fc.array(
    fc.record({ underlying: fc.constant(1), size, unsettledUsd: between(-50, 50) }),
    { maxLength: 1 },
  ),
  collaterals: fc.array(fc.record({ asset: fc.constantFrom(2, 3), amount: between(0, 20) }), {
    maxLength: 2,
  }),
})

/** Two portfolios as one. */
export function sum(a: Portfolio, b: Portfolio): Portfolio {
  return {
    cashUsd: a.cashUsd + b.cashUsd,
    options: [...a.options, ...b.options],
    perpetuals: [...(a.perpetuals ?? []), ...(b.perpetuals ?? [])],
    collaterals: [...a.collaterals, ...b.collaterals],
  }
}

/** A portfolio so many times over. */
export function scaled(given: Portfolio, factor: number): Portfolio {
  return {
    cashUsd: given.cashUsd * factor,
    options: given.options.map((option) => ({ ...option, size: option.size * factor })),
    perpetuals: (given.perpetuals ?? []).map((position) => ({
      ...position,
      size: position.size * factor,
      unsettledUsd: position.unsettledUsd * factor,
    })),
    collaterals: given.collaterals.map((held) => ({ ...held, amount: held.amount * factor })),
  }
}

/** Tolerance of sums of doubles: a millionth of a millionth of what is at stake. */
export function slack(...portfolios: Portfolio[]): number {
  const contracts = portfolios
    .flatMap((given) => [...given.options, ...(given.perpetuals ?? [])])
    .reduce((total, position) => total + Math.abs(position.size), 0)
  return 1e-9 + contracts * 1e-9
}
