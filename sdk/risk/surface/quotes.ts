import { normalDensity, normalDistribution } from '../numeric/normal.ts'
import { logarithm } from '../numeric/logarithm.ts'
import { RiskError } from '../risk-error.ts'
import type { SmilePoint } from './svi-fit.ts'

/** A volatility that the market quotes for a strike. */
export type VolatilityQuote = {
  strikeUsd: number
  /** Mid or mark volatility per √year, > 0. */
  volatility: number
  /** Ask less bid, in volatility; absent: the narrowest that counts. */
  spread?: number | undefined
}

/** What the market quotes for one expiry. */
export type QuotedExpiry = {
  expiryS: number
  /** Time to expiry, years of 365 days, > 0. */
  years: number
  forwardUsd: number
  quotes: readonly VolatilityQuote[]
}

/** Fewer strikes do not tell five parameters apart. */
export const QUOTES_MIN = 5
const QUOTES_MAX = 4_096
/** A spread counts as at least this: a quote is not infinitely sure. */
const SPREAD_MIN = 0.005
/** The wings keep this share of the weight at the money, so that they are not free. */
const VEGA_SHARE_MIN = 1e-3

/**
 * Turns quotes into points of a smile, weighted by (vega / spread)²: an error of volatility counts by
 * the money it moves and by how sure the quote is.
 *
 * @throws RiskError `INVALID_QUOTES` naming the rule that an expiry breaks.
 */
export function smilePoints(expiry: QuotedExpiry): SmilePoint[] {
  checkQuotes(expiry)
  const { years, forwardUsd, quotes } = expiry
  return quotes.map(({ strikeUsd, volatility, spread = 0 }) => {
    const logMoneyness = logarithm(strikeUsd / forwardUsd)
    const deviation = volatility * Math.sqrt(years)
    const d1 = -logMoneyness / deviation + deviation / 2
    const share = Math.max(normalDensity(d1) / normalDensity(0), VEGA_SHARE_MIN)
    const sureness = share / Math.max(spread, SPREAD_MIN)
    // The fit is in total variance: dw = 2σT dσ.
    const slope = 2 * volatility * years
    const weight = (sureness * sureness) / (slope * slope)
    return { logMoneyness, totalVariance: volatility * volatility * years, weight }
  })
}

/** Forward delta of the call at a quoted strike, in `(0, 1)`. */
export function callDelta({ years, forwardUsd }: QuotedExpiry, quote: VolatilityQuote): number {
  const deviation = quote.volatility * Math.sqrt(years)
  const distance = logarithm(forwardUsd / quote.strikeUsd) / deviation
  return normalDistribution(distance + deviation / 2)
}

function checkQuotes({ expiryS, years, forwardUsd, quotes }: QuotedExpiry): void {
  const refuse = (rule: string, actual: string | number): never => {
    throw new RiskError('INVALID_QUOTES', rule, { expiry: expiryS, actual })
  }
  const positive = (value: number): boolean => value > 0 && value < Infinity
  if (!positive(years)) refuse('time to expiry > 0', years)
  if (!positive(forwardUsd)) refuse('forward > 0', forwardUsd)
  if (quotes.length < QUOTES_MIN) refuse(`at least ${QUOTES_MIN} strikes`, quotes.length)
  if (quotes.length > QUOTES_MAX) refuse(`at most ${QUOTES_MAX} strikes`, quotes.length)
  for (const { strikeUsd, volatility, spread = 0 } of quotes) {
    if (!positive(strikeUsd)) refuse('strike > 0', strikeUsd)
    if (!positive(volatility)) refuse('volatility > 0', volatility)
    if (!(spread >= 0 && spread < Infinity)) refuse('spread ≥ 0', spread)
  }
}
