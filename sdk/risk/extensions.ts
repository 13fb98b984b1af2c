import { SECONDS_PER_YEAR } from './black76.ts'
import type { Book, BookExpiry } from './book.ts'
import type { CrossUnderlyingParameters, Extensions } from './extension-parameters.ts'
import { greeks } from './greeks.ts'
import { InvalidPortfolioError } from './invalid-portfolio.ts'

/** What a book is worth more per relative rise of spot: USD for +100 %, first and second order. */
export type DollarSensitivity = { deltaUsd: number; gammaUsd: number }

/** Charges of the extensions on one book, USD, ≥ 0; each 0 where it is off. */
export type ExtensionCharges = {
  /** Counted with the loss factor of each requirement. */
  rollUsd: number
  /** Initial margin alone. */
  latencyUsd: number
  /** Initial margin alone. */
  sizeUsd: number
}

/** No extension is on. */
export const NO_EXTENSION_CHARGES: ExtensionCharges = { rollUsd: 0, latencyUsd: 0, sizeUsd: 0 }

/**
 * Computes dollar delta and dollar gamma of a book to first order in spot: forwards move with spot
 * as far as no settlement average has fixed them.
 */
export function dollarSensitivity(book: Book): DollarSensitivity {
  let deltaUsd = 0
  let gammaUsd = 0
  for (const { terms, options } of book.expiries) {
    if (terms.settled) continue
    const { forwardUsd, variableUsd, years, discount } = terms
    for (const { right, strikeUsd, volatility, size } of options) {
      const inputs = { right, forwardUsd, strikeUsd, volatility, years, discount }
      const { delta, gamma } = greeks(inputs, 0)
      deltaUsd += size * delta * variableUsd
      gammaUsd += size * gamma * variableUsd * variableUsd
    }
  }
  if (book.perpetual !== undefined) deltaUsd += book.perpetual.size * book.perpetual.priceUsd
  for (const { parameters, valueUsd } of book.collaterals) {
    if (parameters.cancelsRisk) deltaUsd += valueUsd
  }
  return { deltaUsd, gammaUsd }
}

/**
 * Computes what the extensions charge a book.
 *
 * @throws InvalidPortfolioError when latency is charged and no volatility of the underlying is known.
 */
export function extensionCharges(book: Book, extensions: Extensions): ExtensionCharges {
  const { latency, size, rollShock } = extensions
  const perpetualUsd = Math.abs(book.perpetual?.size ?? 0) * book.spotUsd
  const roll = rollShock?.find(({ underlying }) => underlying === book.underlying)
  const rollUsd = perpetualUsd * (roll?.share ?? 0)
  const latencyOn = latency !== undefined && latency.stateAgeS > 0
  if (!latencyOn && size === undefined) return { ...NO_EXTENSION_CHARGES, rollUsd }

  const { deltaUsd, gammaUsd } = dollarSensitivity(book)
  const exposureUsd = Math.abs(deltaUsd)
  let latencyUsd = 0
  if (latencyOn && (exposureUsd > 0 || gammaUsd < 0)) {
    const move = latencyMove(latency, atTheMoneyVolatility(book))
    latencyUsd = move * exposureUsd + 0.5 * Math.abs(Math.min(gammaUsd, 0)) * move * move
  }
  let sizeUsd = 0
  if (size !== undefined && exposureUsd > size.thresholdUsd) {
    const excess = (exposureUsd - size.thresholdUsd) / size.thresholdUsd
    sizeUsd = Math.min(size.shareMax, size.slope * excess) * exposureUsd
  }
  return { rollUsd, latencyUsd, sizeUsd }
}

/**
 * Computes the relative move of spot that a latency charge allows for: z·σ·√(λ/year).
 *
 * @example
 * latencyMove({ deviations: 3.09, stateAgeS: 60 }, 0.8) // 0.00341: 0.341 %
 */
export function latencyMove(
  { deviations, stateAgeS }: { deviations: number; stateAgeS: number },
  volatility: number,
): number {
  return deviations * volatility * Math.sqrt(stateAgeS / SECONDS_PER_YEAR)
}

/**
 * Computes the worst loss of several underlyings in the same scenario, where gains count in part.
 *
 * @param books - Per underlying its profit or loss by common index (scenarios, then basis) and its
 * own worst loss.
 * @returns W, USD, in `[keep × Σ W_u, Σ W_u]`.
 */
export function jointLoss(
  books: readonly {
    underlying: number | undefined
    pnlUsd: readonly number[]
    worstLossUsd: number
  }[],
  { offsets, keep }: CrossUnderlyingParameters,
): number {
  const sumUsd = books.reduce((sum, { worstLossUsd }) => sum + worstLossUsd, 0)
  const counted = books.map(({ underlying, pnlUsd }) => {
    const offset = offsets.find((entry) => entry.underlying === underlying)
    const [share, gainMaxUsd] = offset === undefined ? [0, 0] : [offset.share, offset.gainMaxUsd]
    return pnlUsd.map((pnl) => (pnl < 0 ? pnl : share * Math.min(pnl, gainMaxUsd)))
  })
  const scenarios = Math.max(0, ...counted.map(({ length }) => length))
  let joint = 0
  for (let k = 0; k < scenarios; k++) {
    joint = Math.max(joint, 0 - counted.reduce((sum, pnl) => sum + (pnl[k] ?? 0), 0))
  }
  // Rounding of a sum in another order must not take it above the sum of the parts.
  return Math.min(Math.max(joint, keep * sumUsd), sumUsd)
}

/** Gross notional of a book, USD: every contract and perpetual at spot, whatever its sign. */
export function grossNotional(book: Book): number {
  let contracts = Math.abs(book.perpetual?.size ?? 0)
  for (const { terms, options } of book.expiries) {
    if (terms.settled) continue
    for (const { size } of options) contracts += Math.abs(size)
  }
  return contracts * book.spotUsd
}

/** Says whether an expiry owes nothing: no option in it is short. */
export function owesNothing({ options }: BookExpiry): boolean {
  return options.every(({ size }) => size >= 0)
}

/** Highest at-the-money volatility that the book knows; the option nearest the forward stands in for a surface. */
function atTheMoneyVolatility(book: Book): number {
  let highest = book.surfaceVolatilityMax
  for (const { terms, options, market } of book.expiries) {
    if (terms.settled || market.surface !== undefined) continue
    const distance = (strikeUsd: number): number => Math.abs(strikeUsd - terms.forwardUsd)
    const nearest = options.reduce((a, b) =>
      distance(b.strikeUsd) < distance(a.strikeUsd) ? b : a,
    )
    highest = Math.max(highest ?? 0, nearest.volatility)
  }
  if (highest === undefined) {
    const rule = 'an underlying that latency is charged on has a volatility'
    throw new InvalidPortfolioError(rule, `underlying ${book.underlying}`)
  }
  return highest
}
