import type { UnderlyingId } from '../protocol/ids.ts'
import { type Book, type BookExpiry, makeBooks } from './book.ts'
import { type Contingencies, basisContingency, contingencies } from './contingencies.ts'
import {
  type ExtensionCharges,
  NO_EXTENSION_CHARGES,
  extensionCharges,
  grossNotional,
  jointLoss,
  owesNothing,
} from './extensions.ts'
import type { RiskParameters } from './parameters.ts'
import type { Portfolio, RiskMarket } from './portfolio.ts'
import { BASIS_INDEX, type Scenario } from './scenarios.ts'
import { scenarioValue } from './shocks.ts'

/** Profit or loss of a book in one scenario, USD, signed. */
export type ScenarioOutcome = { scenario: Scenario; pnlUsd: number }

/** Margin of what an account holds on one underlying. */
export type BookMargin = {
  /** Absent for collateral that stands in no underlying's book. */
  underlying: UnderlyingId | undefined
  /** Options, unsettled perpetual P&L and collateral, USD. */
  markToMarketUsd: number
  optionsUsd: number
  perpetualUsd: number
  collateralUsd: number
  /** In the order of the parameters' scenarios. */
  scenarios: readonly ScenarioOutcome[]
  /** Basis contingency, USD, ≤ 0. */
  basisUsd: number
  /** W: the largest loss of all, USD, ≥ 0. */
  worstLossUsd: number
  /** Index of the scenario that binds; {@link BASIS_INDEX} for the basis contingency. */
  worstIndex: number
  contingencies: Contingencies
  extensions: ExtensionCharges
  /** f_IM·W + every charge, USD. */
  initialRequirementUsd: number
  /** f_MM·W + maintenance charges, USD. */
  maintenanceRequirementUsd: number
}

/** Margin of an account, USD. */
export type Margin = {
  /** E: cash and everything at its mark. */
  equityUsd: number
  cashUsd: number
  /** Options, unsettled P&L and collateral at their marks. */
  markToMarketUsd: number
  /** Options and unsettled P&L alone. */
  positionsUsd: number
  collateralUsd: number
  /** I: what is left above the initial requirement; negative is a shortfall. */
  initialUsd: number
  /** M: what is left above the maintenance requirement; negative is liquidation. */
  maintenanceUsd: number
  initialRequirementUsd: number
  maintenanceRequirementUsd: number
  /** Factor on losses in initial margin: above 1 while the numéraire trades below its peg. */
  initialLossFactor: number
  /** Index of the binding scenario of the book with the largest loss; {@link BASIS_INDEX} for basis. */
  worstIndex: number
  /** Sum of the books' largest losses, ≥ 0. */
  worstLossUsd: number
  /** What gains on other underlyings take off that sum, USD, ≥ 0; 0 while that is off. */
  offsetUsd: number
  /** What the floor adds to each requirement, USD, ≥ 0; 0 while that is off. */
  floorUsd: { initial: number; maintenance: number }
  books: readonly BookMargin[]
}

/** How a skew scenario counts against an expiry. */
export type SkewRule = 'netted' | 'standAlone'

/**
 * Computes an account's margin: 33 scenarios and the contingencies per underlying, summed over
 * underlyings.
 *
 * @returns E, I and M; a portfolio of cash alone needs nothing.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function computeMargin(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): Margin {
  const lossFactor = initialLossFactor(market.stableUsd, parameters)
  const held = makeBooks(portfolio, market, parameters)
  const books = held.map((book) => bookMargin(book, parameters, lossFactor, 'netted'))
  const grossUsd = held.reduce((total, book) => total + grossNotional(book), 0)
  const sum = (pick: (book: BookMargin) => number): number =>
    books.reduce((total, book) => total + pick(book), 0)
  const markToMarketUsd = sum((book) => book.markToMarketUsd)
  const collateralUsd = sum((book) => book.collateralUsd)
  const equityUsd = portfolio.cashUsd + markToMarketUsd
  const worstLossUsd = sum((book) => book.worstLossUsd)
  const offsetUsd = lossOffset(books, worstLossUsd, parameters)
  const floor = floorOf(grossUsd, parameters)
  const initial = floor(sum((book) => book.initialRequirementUsd) - lossFactor * offsetUsd)
  const maintenance = floor(
    sum((book) => book.maintenanceRequirementUsd) - parameters.lossFactor.maintenance * offsetUsd,
  )
  const worst = books.reduce<BookMargin | undefined>(
    (a, b) => (a === undefined || b.worstLossUsd > a.worstLossUsd ? b : a),
    undefined,
  )
  return {
    equityUsd,
    cashUsd: portfolio.cashUsd,
    markToMarketUsd,
    positionsUsd: sum((book) => book.optionsUsd + book.perpetualUsd),
    collateralUsd,
    initialUsd: equityUsd - initial.requirementUsd,
    maintenanceUsd: equityUsd - maintenance.requirementUsd,
    initialRequirementUsd: initial.requirementUsd,
    maintenanceRequirementUsd: maintenance.requirementUsd,
    initialLossFactor: lossFactor,
    worstIndex: worst?.worstIndex ?? 0,
    worstLossUsd,
    offsetUsd,
    floorUsd: { initial: initial.addedUsd, maintenance: maintenance.addedUsd },
    books,
  }
}

/** Raises a requirement to its floor and says by how much. */
type Floor = (requirementUsd: number) => { requirementUsd: number; addedUsd: number }

function floorOf(grossUsd: number, parameters: RiskParameters): Floor {
  const leastUsd = grossUsd * (parameters.extensions?.notionalFloor ?? 0)
  return (usd) =>
    usd >= leastUsd
      ? { requirementUsd: usd, addedUsd: 0 }
      : { requirementUsd: leastUsd, addedUsd: leastUsd - usd }
}

function lossOffset(
  books: readonly BookMargin[],
  worstLossUsd: number,
  { extensions }: RiskParameters,
): number {
  if (extensions?.crossUnderlying === undefined) return 0
  const rows = books.map((book) => ({
    underlying: book.underlying,
    pnlUsd: [...book.scenarios.map(({ pnlUsd }) => pnlUsd), book.basisUsd],
    worstLossUsd: book.worstLossUsd,
  }))
  return worstLossUsd - jointLoss(rows, extensions.crossUnderlying)
}

/** Computes the factor on losses in initial margin: it rises as the numéraire falls off its peg. */
export function initialLossFactor(stableUsd: number, parameters: RiskParameters): number {
  const { threshold, factor } = parameters.peg
  const gap = stableUsd < threshold ? threshold - stableUsd : 0
  return parameters.lossFactor.initial + gap * factor
}

/**
 * Computes the margin of one book.
 *
 * @param lossFactor - From {@link initialLossFactor}.
 * @param skewRule - `standAlone` charges skew so that requirements add up safely across accounts' parts.
 */
export function bookMargin(
  book: Book,
  parameters: RiskParameters,
  lossFactor: number,
  skewRule: SkewRule,
): BookMargin {
  const scenarios = parameters.scenarios.map((scenario) => ({
    scenario,
    pnlUsd: scenarioPnl(book, scenario, parameters, skewRule),
  }))
  const extensions =
    parameters.extensions === undefined || skewRule === 'standAlone'
      ? NO_EXTENSION_CHARGES
      : extensionCharges(book, parameters.extensions)
  const basisUsd = basisContingency(book, parameters)
  const { index: worstIndex, lossUsd: worstLossUsd } = worstOf(scenarios, basisUsd)
  const charges = contingencies(book, parameters)
  const maintenanceUsd =
    charges.perpetualMaintenanceUsd +
    charges.nakedShortMaintenanceUsd +
    charges.collateralMaintenanceUsd
  const initialUsd =
    charges.perpetualInitialUsd +
    charges.nakedShortInitialUsd +
    charges.collateralInitialUsd +
    charges.confidenceUsd
  const optionsUsd = book.expiries.reduce((sum, expiry) => sum + expiry.markUsd, 0)
  const perpetualUsd = book.perpetual?.unsettledUsd ?? 0
  const collateralUsd = book.collaterals.reduce((sum, { valueUsd }) => sum + valueUsd, 0)
  return {
    underlying: book.underlying,
    markToMarketUsd: optionsUsd + perpetualUsd + collateralUsd,
    optionsUsd,
    perpetualUsd,
    collateralUsd,
    scenarios,
    basisUsd,
    worstLossUsd,
    worstIndex,
    contingencies: charges,
    extensions,
    initialRequirementUsd:
      lossFactor * (worstLossUsd + extensions.rollUsd) +
      maintenanceUsd +
      initialUsd +
      (extensions.latencyUsd + extensions.sizeUsd),
    maintenanceRequirementUsd:
      parameters.lossFactor.maintenance * (worstLossUsd + extensions.rollUsd) + maintenanceUsd,
  }
}

function scenarioPnl(
  book: Book,
  scenario: Scenario,
  parameters: RiskParameters,
  skewRule: SkewRule,
): number {
  let pnlUsd = 0
  for (const expiry of book.expiries) pnlUsd += expiryPnl(expiry, scenario, parameters, skewRule)
  if (scenario.kind === 'skew') return pnlUsd
  const move = (scenario.spotFactor - 1) * scenario.dampening
  if (book.perpetual !== undefined) pnlUsd += book.perpetual.size * book.perpetual.priceUsd * move
  for (const { parameters: rules, valueUsd } of book.collaterals) {
    if (rules.cancelsRisk) pnlUsd += valueUsd * move
  }
  return pnlUsd
}

function expiryPnl(
  expiry: BookExpiry,
  scenario: Scenario,
  parameters: RiskParameters,
  skewRule: SkewRule,
): number {
  const { terms, options, markUsd } = expiry
  if (terms.settled) return 0
  const shockedUsd = options.reduce(
    (sum, option) => sum + option.size * scenarioValue(option, terms, scenario, parameters),
    0,
  )
  const asOwned = shockedUsd * terms.discountPositive - markUsd
  const asOwed = shockedUsd * terms.discountNegative - markUsd
  const pnlUsd = shockedUsd >= 0 ? asOwned : asOwed
  if (scenario.kind !== 'skew') return pnlUsd * scenario.dampening
  const sizeUsd =
    skewRule === 'netted' ? Math.abs(pnlUsd) : Math.max(Math.abs(asOwned), Math.abs(asOwed))
  const capped = parameters.extensions?.capLongAtPremium === true && owesNothing(expiry)
  return -(capped ? Math.min(sizeUsd, markUsd) : sizeUsd) * scenario.dampening
}

function worstOf(
  scenarios: readonly ScenarioOutcome[],
  basisUsd: number,
): { index: number; lossUsd: number } {
  let index = 0
  let pnlUsd = Infinity
  for (const [i, outcome] of scenarios.entries()) {
    if (outcome.pnlUsd < pnlUsd) {
      pnlUsd = outcome.pnlUsd
      index = i
    }
  }
  if (basisUsd < pnlUsd) {
    pnlUsd = basisUsd
    index = BASIS_INDEX
  }
  return { index, lossUsd: Math.max(0, -pnlUsd) }
}
