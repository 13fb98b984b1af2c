import type { UnderlyingId } from '../protocol/ids.ts'
import type { OptionRight } from './black76.ts'
import { makeBooks } from './book.ts'
import { extensionCharges, grossNotional } from './extensions.ts'
import { InvalidPortfolioError } from './invalid-portfolio.ts'
import { bookMargin, initialLossFactor } from './margin.ts'
import type { RiskParameters } from './parameters.ts'
import type { Portfolio, RiskMarket } from './portfolio.ts'

/** What a change of a portfolio costs when a spoke margins it by itself. */
export type StandAlone = {
  /** R̃: initial requirement of the change alone, USD, ≥ 0. */
  requirementUsd: number
  /** Value of what the change adds, USD, signed. */
  equityUsd: number
}

/** One option series. */
export type SeriesId = {
  underlying: UnderlyingId
  expiryS: number
  strikeUsd: number
  right: OptionRight
}

/** What one contract of a series costs by itself, long and short. */
export type SeriesRequirement = {
  /** Mark, USD per contract, ≥ 0. */
  markUsd: number
  /** R̃ of one contract held, USD. */
  longUsd: number
  /** R̃ of one contract owed, USD. */
  shortUsd: number
}

/**
 * Computes R̃, the initial requirement of a change by itself.
 *
 * It is R_IM but for the skew loss of an expiry, which is max(|d⁺M′ − M|, |d⁻M′ − M|). With it
 * R(P + Σδ) ≤ R(P) + Σ R̃(δ) for any portfolio P, so a spoke that charges it never breaks the
 * margin that the hub computes for the whole. This holds only while every confidence that matters
 * is at its threshold or above: see {@link confidenceFault}. Charges for age and size of the whole
 * account are the hub's alone; a cap on the loss of long options breaks the inequality and is refused.
 *
 * @returns A change of cash alone costs 0.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function standAloneRequirement(
  change: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): StandAlone {
  const { extensions } = parameters
  if (extensions?.capLongAtPremium === true) {
    const rule = 'what is charged alone has no cap on the loss of long options'
    throw new InvalidPortfolioError(rule, 'capLongAtPremium')
  }
  const lossFactor = initialLossFactor(market.stableUsd, parameters)
  let requirementUsd = 0
  let equityUsd = change.cashUsd
  for (const book of makeBooks(change, market, parameters)) {
    const margin = bookMargin(book, parameters, lossFactor, 'standAlone')
    const rollUsd = extensions === undefined ? 0 : extensionCharges(book, extensions).rollUsd
    const leastUsd = (extensions?.notionalFloor ?? 0) * grossNotional(book)
    requirementUsd += Math.max(margin.initialRequirementUsd + lossFactor * rollUsd, leastUsd)
    equityUsd += margin.markToMarketUsd
  }
  return { requirementUsd, equityUsd }
}

/**
 * Computes what one contract of a series costs by itself, long and short.
 *
 * R̃ is homogeneous: n contracts cost n times as much, and R̃ of a sum is at most the sum.
 *
 * @throws InvalidPortfolioError when the series has no marks.
 */
export function seriesRequirement(
  series: SeriesId,
  market: RiskMarket,
  parameters: RiskParameters,
): SeriesRequirement {
  const held = (size: number): StandAlone =>
    standAloneRequirement(
      { cashUsd: 0, options: [{ ...series, size }], collaterals: [] },
      market,
      parameters,
    )
  const long = held(1)
  const short = held(-1)
  return {
    markUsd: long.equityUsd,
    longUsd: long.requirementUsd,
    shortUsd: short.requirementUsd,
  }
}

/**
 * Names the mark whose confidence is too low for autonomous use of an underlying, if any:
 * spot, perpetual, or forward, rate and volatility of any expiry.
 *
 * @returns `undefined` when a spoke may take risk on the underlying by itself.
 */
export function confidenceFault(
  underlying: UnderlyingId,
  market: RiskMarket,
  parameters: RiskParameters,
): string | undefined {
  const marks = market.underlyings.find((candidate) => candidate.underlying === underlying)
  if (marks === undefined) return `underlying ${underlying} has no marks`
  const { threshold } = parameters.confidence
  if (marks.spotConfidence < threshold) return `spot confidence ${marks.spotConfidence}`
  if (marks.perpetual !== undefined && marks.perpetual.confidence < threshold) {
    return `perpetual confidence ${marks.perpetual.confidence}`
  }
  for (const expiry of marks.expiries) {
    const lowest = Math.min(
      expiry.forwardConfidence,
      expiry.rateConfidence,
      expiry.volatilityConfidence,
    )
    if (lowest < threshold) return `confidence ${lowest} at expiry ${expiry.expiryS}`
  }
  return undefined
}
