import type {
  ExpiryMarket,
  OptionPosition,
  Portfolio,
  RiskMarket,
} from '../../../sdk/risk/portfolio.ts'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'

/** Parameters of version 1 with no collateral listed. */
export const PARAMETERS: RiskParameters = { ...BASE_PARAMETERS, version: 1, collaterals: [] }

/** Seconds of a day. */
export const DAY_S = 86_400

/** A market of one underlying with flat smiles and full confidence. */
export function flatMarket(options: {
  spotUsd: number
  expiries: readonly {
    days: number
    ratePerYear?: number
    forwardUsd?: number
    volatility?: number
  }[]
  perpetual?: { priceUsd: number; confidence: number } | undefined
  spotConfidence?: number
  stableUsd?: number
}): RiskMarket {
  const { spotUsd, expiries, perpetual, spotConfidence = 1, stableUsd = 1 } = options
  return {
    stableUsd,
    underlyings: [
      {
        underlying: 1,
        spotUsd,
        spotConfidence,
        perpetual,
        expiries: expiries.map(
          ({ days, ratePerYear = 0, forwardUsd = spotUsd, volatility = 0.8 }): ExpiryMarket => ({
            expiryS: days * DAY_S,
            secondsToExpiry: days * DAY_S,
            forwardUsd,
            ratePerYear,
            forwardConfidence: 1,
            rateConfidence: 1,
            volatilityConfidence: 1,
            surface: { a: volatility * volatility, b: 0, rho: 0, m: 0, s: 0.1, years: 1 },
          }),
        ),
      },
    ],
    collaterals: [],
  }
}

/** An option of the market's underlying. */
export function option(
  right: 'call' | 'put',
  strikeUsd: number,
  days: number,
  size: number,
): OptionPosition {
  return { underlying: 1, expiryS: days * DAY_S, strikeUsd, right, size }
}

/** A portfolio of options and nothing else. */
export function holding(options: readonly OptionPosition[], cashUsd = 0): Portfolio {
  return { cashUsd, options, collaterals: [] }
}
