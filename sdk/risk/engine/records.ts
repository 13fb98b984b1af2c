import { ASSET, ASSET_BYTES, UNDERLYING, UNDERLYING_BYTES } from '../kernel/layout.ts'
import type { CollateralParameters, RiskParameters } from '../parameters.ts'
import type { RiskMarket, UnderlyingMarket } from '../portfolio.ts'

/** Micro-dollars per lot of 10^-4 contract, per dollar per contract. */
const MICRO_PER_LOT = 100
const MICRO = 1_000_000

/** Gives the words of an underlying's record. */
export function underlyingRecord(
  underlying: UnderlyingMarket,
  parameters: RiskParameters,
): Float64Array {
  const { spotUsd, spotConfidence, perpetual } = underlying
  const record = new Float64Array(UNDERLYING_BYTES / 8)
  record[UNDERLYING.spot] = spotUsd * MICRO_PER_LOT
  record[UNDERLYING.perpetualPrice] = (perpetual?.priceUsd ?? 0) * MICRO_PER_LOT
  record[UNDERLYING.perpetualMaintenance] = parameters.perpetual.maintenance
  record[UNDERLYING.perpetualInitial] = parameters.perpetual.initialExtra
  record[UNDERLYING.nakedMaintenance] = parameters.nakedShort.maintenance
  record[UNDERLYING.nakedInitial] = parameters.nakedShort.initialExtra
  const confidence = Math.min(spotConfidence, perpetual?.confidence ?? 1)
  record[UNDERLYING.perpetualConfidence] = chargeOf(confidence, parameters)
  return record
}

/** Gives the words of an asset's record. */
export function assetRecord(given: {
  rules: CollateralParameters
  mark: RiskMarket['collaterals'][number]
  market: RiskMarket
  parameters: RiskParameters
}): Float64Array {
  const { rules, mark, market, parameters } = given
  const book = market.underlyings.find(({ underlying }) => underlying === rules.underlying)
  const record = new Float64Array(ASSET_BYTES / 8)
  record[ASSET.price] = (mark.priceUsd / market.stableUsd) * MICRO
  record[ASSET.cancels] = rules.cancelsRisk ? 1 : 0
  record[ASSET.maintenance] = rules.maintenance
  record[ASSET.initial] = rules.initialExtra
  const confidence = Math.min(book?.spotConfidence ?? 1, mark.confidence)
  record[ASSET.confidence] = chargeOf(confidence, parameters)
  return record
}

function chargeOf(confidence: number, { confidence: rule }: RiskParameters): number {
  return confidence < rule.threshold ? (1 - confidence) * rule.factor : 0
}
