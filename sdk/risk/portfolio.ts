import type { AssetId, UnderlyingId } from '../protocol/ids.ts'
import type { OptionRight } from './black76.ts'
import type { SviSlice } from './svi.ts'

/** Options held in one series: equal series of different rollups add up before they get here. */
export type OptionPosition = {
  underlying: UnderlyingId
  /** Seconds since 1970 on the chains' clock. */
  expiryS: number
  strikeUsd: number
  right: OptionRight
  /** Contracts, signed: short is negative. */
  size: number
  /** Mark volatility per √year; absent: the surface's. */
  volatility?: number | undefined
}

/** A perpetual held on one underlying. */
export type PerpetualPosition = {
  underlying: UnderlyingId
  /** Contracts, signed. */
  size: number
  /** Profit and funding not yet settled, USD, signed. */
  unsettledUsd: number
}

/** An account as margin sees it. */
export type Portfolio = {
  /** Claims in the numéraire, USD, signed: negative is a debt. */
  cashUsd: number
  options: readonly OptionPosition[]
  perpetuals?: readonly PerpetualPosition[] | undefined
  /** Amounts in whole tokens. */
  collaterals: readonly { asset: AssetId; amount: number }[]
}

/** Marks of one expiry. */
export type ExpiryMarket = {
  expiryS: number
  /** May be 0 or negative: then the expiry is settled. */
  secondsToExpiry: number
  /** USD per unit. */
  forwardUsd: number
  /** Average of the settlement prices so far, within the last 1,800 s. Absent: the forward. */
  averageSoFarUsd?: number | undefined
  /** Price that the expiry settled at; needed once it has passed. */
  settlementUsd?: number | undefined
  /** Continuous, per year, signed. */
  ratePerYear: number
  forwardConfidence: number
  rateConfidence: number
  volatilityConfidence: number
  /** Absent only where every position brings its volatility. */
  surface?: SviSlice | undefined
}

/** Marks of one underlying. */
export type UnderlyingMarket = {
  underlying: UnderlyingId
  spotUsd: number
  /** In `[0, 1]`. */
  spotConfidence: number
  perpetual?: { priceUsd: number; confidence: number } | undefined
  expiries: readonly ExpiryMarket[]
}

/** Every mark that a margin computation rests on. */
export type RiskMarket = {
  /** Price of the numéraire in USD. */
  stableUsd: number
  underlyings: readonly UnderlyingMarket[]
  collaterals: readonly { asset: AssetId; priceUsd: number; confidence: number }[]
}
