import { SECONDS_PER_YEAR } from './black76.ts'
import { exponential } from './numeric/exponential.ts'
import { power } from './numeric/power.ts'
import type { RiskParameters } from './parameters.ts'
import type { ExpiryMarket } from './portfolio.ts'

/** Length of the settlement average before expiry, in seconds. */
export const SETTLEMENT_WINDOW_S = 1_800

const SECONDS_PER_DAY = 86_400
const REFERENCE_DAYS = 30

/** What the model derives once per expiry. */
export type ExpiryTerms = {
  expiryS: number
  /** True once the expiry has passed: worth its payoff, moved by no scenario. */
  settled: boolean
  years: number
  rootYears: number
  /** Part of the forward that scenarios move, USD. */
  variableUsd: number
  /** Part of the forward that the settlement average has fixed, USD. */
  fixedUsd: number
  forwardUsd: number
  discount: number
  /** Relative rise of volatility in an "up" scenario. */
  volatilityUp: number
  /** Relative fall of volatility in a "down" scenario. */
  volatilityDown: number
  /** d⁺: on a positive shocked value. */
  discountPositive: number
  /** d⁻: on a negative shocked value. */
  discountNegative: number
}

/**
 * Derives an expiry's terms: forward split, discount, volatility shocks, static discounts.
 *
 * A negative rate counts as 0 everywhere, so that a discount is never above 1.
 */
export function expiryTerms(market: ExpiryMarket, parameters: RiskParameters): ExpiryTerms {
  const { secondsToExpiry, expiryS } = market
  if (secondsToExpiry <= 0) return settledTerms(market)
  const years = secondsToExpiry / SECONDS_PER_YEAR
  const rate = Math.max(0, market.ratePerYear)
  const discount = exponential(-rate * years)
  const { variableUsd, fixedUsd } = splitForward(market)
  const { volatilityShock, staticDiscount } = parameters

  const days = secondsToExpiry / SECONDS_PER_DAY
  const exponent = days <= REFERENCE_DAYS ? volatilityShock.shortPower : volatilityShock.longPower
  const scale = power(REFERENCE_DAYS / Math.max(days, volatilityShock.daysMin), exponent)

  const positive = rate * staticDiscount.positiveRateScale + staticDiscount.positiveRateAdd
  const negative = rate * staticDiscount.negativeRateScale + staticDiscount.negativeRateAdd
  return {
    expiryS,
    settled: false,
    years,
    rootYears: Math.sqrt(years),
    variableUsd,
    fixedUsd,
    forwardUsd: variableUsd + fixedUsd,
    discount,
    volatilityUp: volatilityShock.up * scale,
    volatilityDown: volatilityShock.down * scale,
    discountPositive: staticDiscount.positiveBase * exponential(-years * positive),
    discountNegative: Math.min(
      1 / discount,
      staticDiscount.negativeBase * exponential(years * negative),
    ),
  }
}

/** Splits a forward into what may still move and what the settlement average has fixed. */
function splitForward(market: ExpiryMarket): { variableUsd: number; fixedUsd: number } {
  const { forwardUsd, secondsToExpiry, averageSoFarUsd } = market
  if (secondsToExpiry >= SETTLEMENT_WINDOW_S) return { variableUsd: forwardUsd, fixedUsd: 0 }
  const elapsed = SETTLEMENT_WINDOW_S - secondsToExpiry
  return {
    variableUsd: (forwardUsd * secondsToExpiry) / SETTLEMENT_WINDOW_S,
    fixedUsd: ((averageSoFarUsd ?? forwardUsd) * elapsed) / SETTLEMENT_WINDOW_S,
  }
}

function settledTerms(market: ExpiryMarket): ExpiryTerms {
  const settlementUsd = market.settlementUsd ?? market.averageSoFarUsd ?? market.forwardUsd
  return {
    expiryS: market.expiryS,
    settled: true,
    years: 0,
    rootYears: 0,
    variableUsd: 0,
    fixedUsd: settlementUsd,
    forwardUsd: settlementUsd,
    discount: 1,
    volatilityUp: 0,
    volatilityDown: 0,
    discountPositive: 1,
    discountNegative: 1,
  }
}
