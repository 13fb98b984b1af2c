import type { UnderlyingId } from '../protocol/ids.ts'
import { type ExpiryTerms, expiryTerms } from './expiry.ts'
import { InvalidPortfolioError } from './invalid-portfolio.ts'
import type { CollateralParameters, RiskParameters } from './parameters.ts'
import type { ExpiryMarket, OptionPosition, Portfolio, RiskMarket } from './portfolio.ts'
import { type OptionSeries, markValue } from './shocks.ts'
import { surfaceVolatility } from './svi.ts'

/** One option position, ready to be valued. */
export type BookOption = OptionSeries & { size: number; markUsd: number }

/** The options of one expiry. */
export type BookExpiry = {
  market: ExpiryMarket
  terms: ExpiryTerms
  options: readonly BookOption[]
  /** Σ size × mark, USD, signed. */
  markUsd: number
}

/** One collateral with its value and rules. */
export type BookCollateral = {
  parameters: CollateralParameters
  valueUsd: number
  confidence: number
}

/** What an account holds on one underlying; the underlying is absent for collateral of no book. */
export type Book = {
  underlying: UnderlyingId | undefined
  spotUsd: number
  spotConfidence: number
  perpetual:
    | { size: number; priceUsd: number; confidence: number; unsettledUsd: number }
    | undefined
  expiries: readonly BookExpiry[]
  collaterals: readonly BookCollateral[]
  /** Highest at-the-money volatility of the underlying's surfaces; looked up for a latency charge alone. */
  surfaceVolatilityMax: number | undefined
}

/**
 * Sorts a portfolio into one book per underlying, in the market's order, and values its positions.
 *
 * @returns Books that hold something; empty for a portfolio of cash alone.
 * @throws {@link InvalidPortfolioError} when a position has no mark, or a number is not finite.
 */
export function makeBooks(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): Book[] {
  checkPortfolio(portfolio, market)
  const collaterals = bookCollaterals(portfolio, market, parameters)
  const latencyOn = (parameters.extensions?.latency?.stateAgeS ?? 0) > 0
  const books: Book[] = []
  for (const underlying of market.underlyings) {
    const id = underlying.underlying
    const own = collaterals.filter((c) => c.parameters.underlying === id)
    const options = portfolio.options.filter((option) => option.underlying === id)
    const perpetuals = (portfolio.perpetuals ?? []).filter((p) => p.underlying === id)
    if (own.length + options.length + perpetuals.length === 0) continue
    const size = perpetuals.reduce((sum, position) => sum + position.size, 0)
    const unsettledUsd = perpetuals.reduce((sum, position) => sum + position.unsettledUsd, 0)
    const { priceUsd, confidence } = underlying.perpetual ?? { priceUsd: 0, confidence: 0 }
    books.push({
      underlying: id,
      spotUsd: underlying.spotUsd,
      spotConfidence: underlying.spotConfidence,
      perpetual: perpetuals.length ? { size, priceUsd, confidence, unsettledUsd } : undefined,
      expiries: bookExpiries(options, underlying.expiries, parameters),
      collaterals: own,
      surfaceVolatilityMax: latencyOn ? surfaceVolatilityMax(underlying.expiries) : undefined,
    })
  }
  const other = collaterals.filter((c) => c.parameters.underlying === undefined)
  if (other.length > 0) {
    books.push({
      underlying: undefined,
      spotUsd: 0,
      spotConfidence: 1,
      perpetual: undefined,
      expiries: [],
      collaterals: other,
      surfaceVolatilityMax: undefined,
    })
  }
  return books
}

function surfaceVolatilityMax(expiries: readonly ExpiryMarket[]): number | undefined {
  let highest: number | undefined
  for (const { surface, forwardUsd, secondsToExpiry } of expiries) {
    if (surface === undefined || secondsToExpiry <= 0) continue
    highest = Math.max(highest ?? 0, surfaceVolatility(surface, forwardUsd, forwardUsd))
  }
  return highest
}

function bookExpiries(
  options: readonly OptionPosition[],
  markets: readonly ExpiryMarket[],
  parameters: RiskParameters,
): BookExpiry[] {
  const expiries: BookExpiry[] = []
  for (const market of markets) {
    const held = options.filter((option) => option.expiryS === market.expiryS)
    if (held.length === 0) continue
    const terms = expiryTerms(market, parameters)
    const valued = held.map((option) => bookOption(option, market, terms))
    const markUsd = valued.reduce((sum, { size, markUsd: mark }) => sum + size * mark, 0)
    expiries.push({ market, terms, options: valued, markUsd })
  }
  return expiries
}

function bookOption(option: OptionPosition, market: ExpiryMarket, terms: ExpiryTerms): BookOption {
  const { right, strikeUsd, size } = option
  const volatility = option.volatility ?? markVolatility(strikeUsd, market, terms)
  const series = { right, strikeUsd, volatility }
  return { ...series, size, markUsd: markValue(series, terms) }
}

/** Volatility that the surface marks a strike at; 0 once settled. */
function markVolatility(strikeUsd: number, market: ExpiryMarket, terms: ExpiryTerms): number {
  if (terms.settled) return 0
  if (market.surface === undefined) {
    throw new InvalidPortfolioError('an option has a mark volatility', `expiry ${market.expiryS}`)
  }
  return surfaceVolatility(market.surface, terms.forwardUsd, strikeUsd)
}

function bookCollaterals(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): BookCollateral[] {
  return portfolio.collaterals.map(({ asset, amount }) => {
    const rules = parameters.collaterals.find((candidate) => candidate.asset === asset)
    const mark = market.collaterals.find((candidate) => candidate.asset === asset)
    if (rules === undefined || mark === undefined) {
      const missing = rules === undefined ? 'parameters' : 'a price'
      throw new InvalidPortfolioError(`a collateral has ${missing}`, `asset ${asset}`)
    }
    const valueUsd = (amount * mark.priceUsd) / market.stableUsd
    return { parameters: rules, valueUsd, confidence: mark.confidence }
  })
}

function checkPortfolio(portfolio: Portfolio, market: RiskMarket): void {
  const numbers = [
    portfolio.cashUsd,
    market.stableUsd,
    ...portfolio.options.flatMap((option) => [option.size, option.strikeUsd]),
    ...(portfolio.perpetuals ?? []).flatMap((position) => [position.size, position.unsettledUsd]),
    ...portfolio.collaterals.map((collateral) => collateral.amount),
  ]
  if (!numbers.every(Number.isFinite)) {
    throw new InvalidPortfolioError('every figure is a finite number', numbers.join(', '))
  }
  for (const { underlying, expiryS } of portfolio.options) {
    const marks = market.underlyings.find((candidate) => candidate.underlying === underlying)
    if (!marks?.expiries.some((expiry) => expiry.expiryS === expiryS)) {
      throw new InvalidPortfolioError('an option has marks', `${underlying} at ${expiryS}`)
    }
  }
  for (const { underlying, size } of portfolio.perpetuals ?? []) {
    const marks = market.underlyings.find((candidate) => candidate.underlying === underlying)
    if (marks === undefined || (size !== 0 && marks.perpetual === undefined)) {
      throw new InvalidPortfolioError('a perpetual has a mark', `${underlying}`)
    }
  }
}
