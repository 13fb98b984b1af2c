import type { OptionRight } from './black76.ts'
import { priceOption } from './black76.ts'
import type { ExpiryTerms } from './expiry.ts'
import { logarithm } from './numeric/logarithm.ts'
import type { RiskParameters, SkewParameters } from './parameters.ts'
import type { Scenario } from './scenarios.ts'

/** An option series with its mark volatility. */
export type OptionSeries = { right: OptionRight; strikeUsd: number; volatility: number }

/**
 * Values one option contract as it is marked, or with the variable part of its forward moved.
 *
 * @param spotFactor - 1 gives the mark.
 * @returns USD, discounted, ≥ 0.
 */
export function markValue(series: OptionSeries, terms: ExpiryTerms, spotFactor = 1): number {
  return shockedPrice(series, terms, spotFactor, series.volatility)
}

/**
 * Values one option contract in a scenario, before the static discount.
 *
 * @returns USD, discounted, ≥ 0.
 */
export function scenarioValue(
  series: OptionSeries,
  terms: ExpiryTerms,
  scenario: Scenario,
  parameters: RiskParameters,
): number {
  if (scenario.kind === 'skew') {
    const multiplier = skewMultiplier(series.strikeUsd, terms, scenario.shape, parameters.skew)
    return shockedPrice(series, terms, 1, series.volatility * multiplier)
  }
  const volatility = shockedVolatility(series.volatility, terms, scenario.volatility, parameters)
  return shockedPrice(series, terms, scenario.spotFactor, volatility)
}

/** The floor applies to raised volatilities alone. */
function shockedVolatility(
  volatility: number,
  terms: ExpiryTerms,
  shock: 'up' | 'none' | 'down',
  parameters: RiskParameters,
): number {
  if (shock === 'none') return volatility
  if (shock === 'down') return volatility * Math.max(0, 1 - terms.volatilityDown)
  return Math.max(volatility * (1 + terms.volatilityUp), parameters.volatilityShock.floor)
}

/**
 * Computes the factor on a strike's volatility when the smile tilts (linear in log-moneyness) or
 * bends (linear in its size), capped on the side where volatility would grow without end.
 *
 * @returns ≥ 0.
 */
export function skewMultiplier(
  strikeUsd: number,
  terms: ExpiryTerms,
  shape: 'linear' | 'absolute',
  skew: SkewParameters,
): number {
  if (!(strikeUsd > 0) || !(terms.forwardUsd > 0)) return 1
  const { rootYears } = terms
  const cap = skew[shape].base + skew[shape].perRootYear * rootYears
  const volatility = skew.volatility + rootYears * skew.volatilityPerRootYear
  const width = Math.max(skew.widthMin, rootYears * skew.widthScale * volatility)
  const logMoneyness = logarithm(strikeUsd / terms.forwardUsd)
  const distance = shape === 'linear' ? logMoneyness : Math.abs(logMoneyness)
  const change = (distance * cap) / width
  const held = distance >= 0 ? Math.min(change, cap) : Math.max(change, -cap)
  return Math.max(0, 1 + held)
}

function shockedPrice(
  series: OptionSeries,
  terms: ExpiryTerms,
  spotFactor: number,
  volatility: number,
): number {
  return priceOption({
    right: series.right,
    forwardUsd: terms.variableUsd * spotFactor + terms.fixedUsd,
    strikeUsd: series.strikeUsd,
    volatility,
    years: terms.years,
    discount: terms.discount,
  })
}
