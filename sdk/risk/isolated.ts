import { type Book, type BookExpiry, type BookOption, makeBooks } from './book.ts'
import type { ChargePair, RiskParameters } from './parameters.ts'
import type { Portfolio, RiskMarket } from './portfolio.ts'

/** Charges of standard margin, where no position offsets another; shares of spot. */
export type IsolatedParameters = {
  /** A short option at the money, initial. */
  shortInitial: number
  /** A short option far out of the money, initial. */
  shortInitialMin: number
  /** A short option, maintenance. */
  shortMaintenance: number
  /** A perpetual's notional. */
  perpetual: ChargePair
}

/** Standard margin as exchanges publish it: 15 % of spot less what is out of the money, at least 10 %. */
export const ISOLATED_PARAMETERS: IsolatedParameters = {
  shortInitial: 0.15,
  shortInitialMin: 0.1,
  shortMaintenance: 0.075,
  perpetual: { maintenance: 0.03, initialExtra: 0.02 },
}

/** What an account would need if every position stood alone. */
export type IsolatedMargin = {
  equityUsd: number
  initialUsd: number
  maintenanceUsd: number
  initialRequirementUsd: number
  maintenanceRequirementUsd: number
}

/**
 * Computes isolated (standard) margin, to compare portfolio margin with: each position is charged by
 * itself and none offsets another.
 *
 * An option that is owned counts for nothing beyond its premium, which is spent: its whole value is
 * charged. A short option is charged its value and a share of spot that falls with its distance from
 * the money; a put never more than its strike. A perpetual is charged a share of its notional, and
 * collateral its haircuts.
 *
 * @returns E, I and M, USD.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function isolatedMargin(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
  isolated: IsolatedParameters = ISOLATED_PARAMETERS,
): IsolatedMargin {
  let valueUsd = portfolio.cashUsd
  let initialUsd = 0
  let maintenanceUsd = 0
  for (const book of makeBooks(portfolio, market, parameters)) {
    const { initial, maintenance, value } = chargeBook(book, isolated)
    valueUsd += value
    initialUsd += initial
    maintenanceUsd += maintenance
  }
  return {
    equityUsd: valueUsd,
    initialUsd: valueUsd - initialUsd,
    maintenanceUsd: valueUsd - maintenanceUsd,
    initialRequirementUsd: initialUsd,
    maintenanceRequirementUsd: maintenanceUsd,
  }
}

type Charges = { initial: number; maintenance: number; value: number }

function chargeBook(book: Book, isolated: IsolatedParameters): Charges {
  const sum: Charges = { initial: 0, maintenance: 0, value: 0 }
  const add = ({ initial, maintenance, value }: Charges): void => {
    sum.initial += initial
    sum.maintenance += maintenance
    sum.value += value
  }
  for (const expiry of book.expiries) {
    for (const option of expiry.options) add(chargeOption(option, expiry, book.spotUsd, isolated))
  }
  if (book.perpetual !== undefined) {
    const notionalUsd = Math.abs(book.perpetual.size) * book.spotUsd
    const maintenance = notionalUsd * isolated.perpetual.maintenance
    const initial = maintenance + notionalUsd * isolated.perpetual.initialExtra
    add({ initial, maintenance, value: book.perpetual.unsettledUsd })
  }
  for (const { valueUsd, parameters } of book.collaterals) {
    const maintenance = valueUsd * parameters.maintenance
    add({ initial: maintenance + valueUsd * parameters.initialExtra, maintenance, value: valueUsd })
  }
  return sum
}

function chargeOption(
  { right, strikeUsd, size, markUsd }: BookOption,
  { terms }: BookExpiry,
  spotUsd: number,
  isolated: IsolatedParameters,
): Charges {
  const value = size * markUsd
  if (terms.settled) return { initial: 0, maintenance: 0, value }
  if (size >= 0) return { initial: value, maintenance: value, value }
  const outUsd = right === 'call' ? strikeUsd - terms.forwardUsd : terms.forwardUsd - strikeUsd
  const share = Math.max(
    isolated.shortInitial - Math.max(outUsd, 0) / spotUsd,
    isolated.shortInitialMin,
  )
  // A put cannot pay more than its strike.
  const held = (usd: number): number =>
    right === 'put' ? Math.min(usd, Math.max(strikeUsd - markUsd, 0)) : usd
  // The mark itself is owed already: equity carries it.
  const maintenance = held(isolated.shortMaintenance * spotUsd)
  const initial = Math.max(held(share * spotUsd), maintenance)
  return { initial: -size * initial, maintenance: -size * maintenance, value }
}
