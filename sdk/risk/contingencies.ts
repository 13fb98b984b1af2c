import type { Book, BookExpiry } from './book.ts'
import type { RiskParameters } from './parameters.ts'
import { markValue } from './shocks.ts'

/** Charges of a book beside its worst scenario, USD, ≥ 0; `initial…` is on top of `maintenance…`. */
export type Contingencies = {
  perpetualMaintenanceUsd: number
  perpetualInitialUsd: number
  nakedShortMaintenanceUsd: number
  nakedShortInitialUsd: number
  collateralMaintenanceUsd: number
  collateralInitialUsd: number
  /** Charge for marks of low confidence; initial margin alone. */
  confidenceUsd: number
}

/** Computes every charge of a book that is no scenario. */
export function contingencies(book: Book, parameters: RiskParameters): Contingencies {
  const perpetualUsd = Math.abs(book.perpetual?.size ?? 0) * book.spotUsd
  const nakedUsd =
    book.expiries.reduce((sum, expiry) => sum + nakedShortContracts(expiry), 0) * book.spotUsd
  const haircut = (key: 'maintenance' | 'initialExtra'): number =>
    book.collaterals.reduce((sum, c) => sum + c.valueUsd * c.parameters[key], 0)
  return {
    perpetualMaintenanceUsd: perpetualUsd * parameters.perpetual.maintenance,
    perpetualInitialUsd: perpetualUsd * parameters.perpetual.initialExtra,
    nakedShortMaintenanceUsd: nakedUsd * parameters.nakedShort.maintenance,
    nakedShortInitialUsd: nakedUsd * parameters.nakedShort.initialExtra,
    collateralMaintenanceUsd: haircut('maintenance'),
    collateralInitialUsd: haircut('initialExtra'),
    confidenceUsd: confidenceCharge(book, parameters),
  }
}

/**
 * Counts short contracts that no long contract of the same strike offsets: per strike
 * max(0, −(calls + puts)).
 */
export function nakedShortContracts(expiry: BookExpiry): number {
  if (expiry.terms.settled) return 0
  const netByStrike = new Map<number, number>()
  for (const { strikeUsd, size } of expiry.options) {
    netByStrike.set(strikeUsd, (netByStrike.get(strikeUsd) ?? 0) + size)
  }
  let naked = 0
  for (const net of netByStrike.values()) naked += Math.max(0, -net)
  return naked
}

/**
 * Computes what a book loses if forwards move against spot: per expiry the worse of the two basis
 * moves if it is a loss, weighted by time.
 *
 * @returns USD, ≤ 0.
 */
export function basisContingency(book: Book, parameters: RiskParameters): number {
  const { factorUp, factorDown, add, perYear } = parameters.basis
  let total = 0
  for (const { terms, options, markUsd } of book.expiries) {
    if (terms.settled) continue
    const valueAt = (factor: number): number =>
      options.reduce((sum, option) => sum + option.size * markValue(option, terms, factor), 0)
    const loss = Math.min(valueAt(factorUp) - markUsd, valueAt(factorDown) - markUsd, 0)
    total += loss * (add + perYear * terms.years)
  }
  return total
}

/** Lowest confidence of the marks that a book's options of one expiry rest on. */
export function expiryConfidence(book: Book, { market }: BookExpiry): number {
  return Math.min(
    book.spotConfidence,
    book.perpetual !== undefined && book.perpetual.size !== 0 ? book.perpetual.confidence : 1,
    market.forwardConfidence,
    market.rateConfidence,
    market.volatilityConfidence,
  )
}

function confidenceCharge(book: Book, parameters: RiskParameters): number {
  const { threshold, factor } = parameters.confidence
  const charge = (confidence: number, notionalUsd: number): number =>
    confidence < threshold ? (1 - confidence) * factor * notionalUsd : 0
  let total = 0
  const { perpetual, spotUsd, spotConfidence } = book
  if (perpetual !== undefined && perpetual.size !== 0) {
    const confidence = Math.min(spotConfidence, perpetual.confidence)
    total += charge(confidence, Math.abs(perpetual.size) * spotUsd)
  }
  for (const expiry of book.expiries) {
    const contracts = expiry.options.reduce((sum, option) => sum + Math.abs(option.size), 0)
    total += charge(expiryConfidence(book, expiry), contracts * spotUsd)
  }
  for (const { valueUsd, confidence } of book.collaterals) {
    total += charge(Math.min(spotConfidence, confidence), valueUsd)
  }
  return total
}
