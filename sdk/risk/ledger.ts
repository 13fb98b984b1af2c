import {
  type AssetId,
  KIND,
  RIGHT,
  type RiskKey,
  type UnderlyingId,
  unpackRiskKey,
} from '../protocol/ids.ts'
import type { ExpiryMark, FeedUpdate } from '../protocol/feeds.ts'
import type { Network } from '../protocol/network.ts'
import { type Amount18, type Size18, size18 } from '../protocol/units.ts'
import { SECONDS_PER_YEAR } from './black76.ts'
import { fromFixed, fromSize18 } from './fixed-point.ts'
import { InvalidPortfolioError } from './invalid-portfolio.ts'
import { BASE_PARAMETERS, OWN_ASSET_HAIRCUT, type RiskParameters } from './parameters.ts'
import type { OptionPosition, Portfolio, RiskMarket, UnderlyingMarket } from './portfolio.ts'
import type { SviSlice } from './svi.ts'

/** What an account holds, in the integers of the ledger. */
export type Holdings = {
  claims: readonly { asset: AssetId; amount18: Amount18 }[]
  /** One entry per instrument; instruments of equal risk key add up. */
  positions: readonly { key: RiskKey; size18: Size18 }[]
  /** Money that moved with trades and is not in a claim yet, USD × 10^18, signed. */
  unsettledCash18?: bigint | undefined
}

/** An asset as far as margin cares. */
export type RiskAsset = Pick<Network['assets'][number], 'id' | 'underlying'>

/**
 * Puts an account's holdings into the shape of the margin computation.
 *
 * Claims in assets without an underlying are cash, the others collateral.
 *
 * @throws {@link InvalidPortfolioError} when a claim's asset is not listed or a position is no option.
 */
export function portfolioOf(holdings: Holdings, assets: readonly RiskAsset[]): Portfolio {
  let cash18 = holdings.unsettledCash18 ?? 0n
  const collaterals: { asset: AssetId; amount: number }[] = []
  for (const { asset, amount18 } of holdings.claims) {
    const listed = assets.find(({ id }) => id === asset)
    if (listed === undefined)
      throw new InvalidPortfolioError('an asset is listed', `asset ${asset}`)
    if (listed.underlying === undefined) cash18 += amount18
    else collaterals.push({ asset, amount: fromFixed(amount18, 18) })
  }
  const sizes = new Map<RiskKey, bigint>()
  for (const { key, size18: size } of holdings.positions) {
    sizes.set(key, (sizes.get(key) ?? 0n) + size)
  }
  const options = [...sizes]
    .filter(([, size]) => size !== 0n)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, size]) => optionOf(key, size18(size)))
  return { cashUsd: fromFixed(cash18, 18), options, collaterals }
}

/**
 * Puts signed feed updates into the shape of the margin computation.
 *
 * @param nowS - The chains' clock in seconds: it says how far each expiry is.
 * @param settled - Settlement prices of expiries that have passed, USD.
 */
export function marketOf(
  updates: readonly FeedUpdate[],
  assets: readonly RiskAsset[],
  nowS: number,
  settled: readonly { underlying: UnderlyingId; expiryS: number; settlementUsd: number }[] = [],
): RiskMarket {
  const latest = updates.reduce<FeedUpdate | undefined>(
    (a, b) => (a === undefined || b.timestampMs > a.timestampMs ? b : a),
    undefined,
  )
  const underlyings = updates.map((update) => {
    const own = settled.filter(({ underlying }) => underlying === update.underlying)
    return underlyingMarket(update, nowS, own)
  })
  return {
    stableUsd: latest === undefined ? 1 : fromFixed(latest.stable8, 8),
    underlyings,
    collaterals: assets.flatMap(({ id, underlying }) => {
      const market = underlyings.find((candidate) => candidate.underlying === underlying)
      if (market === undefined) return []
      return [{ asset: id, priceUsd: market.spotUsd, confidence: market.spotConfidence }]
    }),
  }
}

/**
 * Gives the margin parameters of version 1 for a network's assets: an asset with an underlying is
 * collateral in that underlying's book and moves with it.
 */
export function parametersOf(assets: readonly RiskAsset[]): RiskParameters {
  return {
    ...BASE_PARAMETERS,
    version: 1,
    collaterals: assets.flatMap(({ id, underlying }) =>
      underlying === undefined
        ? []
        : [{ asset: id, underlying, cancelsRisk: true, ...OWN_ASSET_HAIRCUT }],
    ),
  }
}

/** Gives an expiry's surface from its signed integers. */
export function surfaceOf(mark: ExpiryMark): SviSlice {
  return {
    a: fromFixed(mark.a9, 9),
    b: fromFixed(mark.b9, 9),
    rho: fromFixed(mark.rho9, 9),
    m: fromFixed(mark.m9, 9),
    s: fromFixed(mark.s9, 9),
    years: mark.tauS / SECONDS_PER_YEAR,
  }
}

function underlyingMarket(
  update: FeedUpdate,
  nowS: number,
  settled: readonly { expiryS: number; settlementUsd: number }[],
): UnderlyingMarket {
  const live = update.expiries.map((mark) => {
    const confidence = mark.confidence4 / 10_000
    return {
      expiryS: mark.expiryS,
      secondsToExpiry: mark.expiryS - nowS,
      forwardUsd: fromFixed(mark.forward8, 8),
      settlementUsd: settled.find(({ expiryS }) => expiryS === mark.expiryS)?.settlementUsd,
      ratePerYear: mark.rate6 / 1_000_000,
      forwardConfidence: confidence,
      rateConfidence: confidence,
      volatilityConfidence: confidence,
      surface: surfaceOf(mark),
    }
  })
  const gone = settled
    .filter(({ expiryS }) => !live.some((expiry) => expiry.expiryS === expiryS))
    .map(({ expiryS, settlementUsd }) => ({
      expiryS,
      secondsToExpiry: Math.min(expiryS - nowS, 0),
      forwardUsd: settlementUsd,
      settlementUsd,
      ratePerYear: 0,
      forwardConfidence: 1,
      rateConfidence: 1,
      volatilityConfidence: 1,
    }))
  return {
    underlying: update.underlying,
    spotUsd: fromFixed(update.spot8, 8),
    spotConfidence: update.spotConfidence4 / 10_000,
    expiries: [...live, ...gone],
  }
}

function optionOf(key: RiskKey, size: Size18): OptionPosition {
  const { underlying, kind, expiryS, strike8, right } = unpackRiskKey(key)
  if (kind !== KIND.option || (right !== RIGHT.call && right !== RIGHT.put)) {
    throw new InvalidPortfolioError('a position is an option', `risk key ${key}`)
  }
  return {
    underlying,
    expiryS,
    strikeUsd: fromFixed(strike8, 8),
    right: right === RIGHT.call ? 'call' : 'put',
    size: fromSize18(size),
  }
}
