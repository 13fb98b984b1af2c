import type { SviSlice } from '../../sdk/risk/svi.ts'

/** Marks of one expiry as a source gives them. */
export type SourceExpiry = {
  /** Seconds since 1970 on the chains' clock. */
  expiryS: number
  forwardUsd: number
  /** Continuous, per year, signed. */
  ratePerYear: number
  surface: SviSlice
  /** In `[0, 1]`. */
  confidence: number
}

/** Marks of one underlying as a source gives them. */
export type SourceMarks = {
  symbol: string
  spotUsd: number
  /** In `[0, 1]`. */
  spotConfidence: number
  /** By expiry, ascending. */
  expiries: readonly SourceExpiry[]
}

/** Where marks come from: a recorded market, or a live one. */
export type MarkSource = {
  /** Symbols that the source knows. */
  symbols: readonly string[]
  /** Gives the spot price of a moment, USD: asked far more often than for marks, so it is cheap. */
  spotUsd: (symbol: string, nowMs: number) => number
  /**
   * Gives the marks of a moment.
   *
   * @param nowMs - The chains' clock, milliseconds since 1970.
   */
  marks: (symbol: string, nowMs: number) => SourceMarks
  /** Price of the numéraire, USD. */
  stableUsd: (nowMs: number) => number
}
