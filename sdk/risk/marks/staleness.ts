import type { UnderlyingId } from '../../protocol/ids.ts'
import { type Margin, computeMargin } from '../margin.ts'
import type { RiskParameters } from '../parameters.ts'
import type { Portfolio, RiskMarket } from '../portfolio.ts'

/** What a mark is of. */
export type FeedKind = 'spot' | 'perpetual' | 'volatility' | 'forward' | 'rate' | 'stable'

/** How long a mark of each kind is fresh, milliseconds. */
export type Heartbeats = Readonly<Record<FeedKind, number>>

/** Heartbeats at the sequencer. */
export const SEQUENCER_HEARTBEATS: Heartbeats = {
  spot: 10_000,
  perpetual: 15 * 60_000,
  volatility: 60_000,
  forward: 60 * 60_000,
  stable: 60 * 60_000,
  rate: 12 * 3_600_000,
}

/** Heartbeats on chain, where marks arrive less often. */
export const CHAIN_HEARTBEATS: Heartbeats = {
  ...SEQUENCER_HEARTBEATS,
  spot: 3 * 60_000,
  volatility: 20 * 60_000,
}

/** How old and how sure one mark is. */
export type FeedHealth = {
  kind: FeedKind
  /** Absent for the stable coin, which every account rests on. */
  underlying: UnderlyingId | undefined
  /** Of a mark that belongs to one expiry. */
  expiryS?: number | undefined
  ageMs: number
  /** In `[0, 1]`. */
  confidence: number
}

/** A feed that carries more than this share of a requirement must be sound. */
export const FEED_SHARE_MAX = 0.02

/** What the state of the marks allows an account (V18). Repay, top up and reduce are always allowed. */
export type MarksVerdict = {
  mayIncreaseRisk: boolean
  mayLiquidate: boolean
  /** Unsound marks that matter too much. */
  blocking: readonly FeedHealth[]
  /** Underlyings that count at their worst scenario: marks unsound, share small. */
  atWorst: readonly UnderlyingId[]
}

/** Says whether a mark is fresh and sure enough. */
export function isSound(
  feed: FeedHealth,
  heartbeats: Heartbeats,
  parameters: Pick<RiskParameters, 'confidence'>,
): boolean {
  return feed.ageMs <= heartbeats[feed.kind] && feed.confidence >= parameters.confidence.threshold
}

/**
 * Judges an account by the marks that it rests on (V18): an unsound mark that carries more than 2 % of
 * its initial requirement stops added risk and liquidation; below that the underlying counts at its
 * worst scenario, so that dust in an exotic market does not make an account untouchable.
 *
 * @param feeds - Every mark of the market; one that the account does not rest on does not matter.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function marksVerdict(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
  feeds: readonly FeedHealth[],
  heartbeats: Heartbeats,
): MarksVerdict {
  const blocking: FeedHealth[] = []
  const atWorst = new Set<UnderlyingId>()
  const whole = computeMargin(portfolio, market, parameters).initialRequirementUsd
  for (const feed of feeds) {
    if (isSound(feed, heartbeats, parameters)) continue
    const carried = restingOn(portfolio, feed, parameters)
    if (isEmpty(carried)) continue
    const share = shareOf(carried, whole, market, parameters)
    if (share > FEED_SHARE_MAX) blocking.push(feed)
    else if (feed.underlying !== undefined) atWorst.add(feed.underlying)
  }
  const sound = blocking.length === 0
  return { mayIncreaseRisk: sound, mayLiquidate: sound, blocking, atWorst: [...atWorst] }
}

/**
 * Counts underlyings at their worst scenario: their worst loss is taken off equity, and what it asked
 * of a requirement is given back.
 *
 * @returns E, I and M, USD; never above those of the margin.
 */
export function balancesAtWorst(
  margin: Margin,
  underlyings: readonly UnderlyingId[],
  parameters: Pick<RiskParameters, 'lossFactor'>,
): { equityUsd: number; initialUsd: number; maintenanceUsd: number } {
  const lossUsd = margin.books
    .filter((book) => book.underlying !== undefined && underlyings.includes(book.underlying))
    .reduce((sum, book) => sum + book.worstLossUsd, 0)
  const kept = (factor: number): number => Math.max(0, 1 - factor) * lossUsd
  return {
    equityUsd: margin.equityUsd - lossUsd,
    initialUsd: margin.initialUsd - kept(margin.initialLossFactor),
    maintenanceUsd: margin.maintenanceUsd - kept(parameters.lossFactor.maintenance),
  }
}

/** The part of a portfolio whose margin rests on a mark. */
function restingOn(
  portfolio: Portfolio,
  { kind, underlying, expiryS }: FeedHealth,
  parameters: RiskParameters,
): Portfolio {
  if (kind === 'stable') return { ...portfolio, cashUsd: 0 }
  const own = portfolio.options.filter(
    (option) =>
      option.underlying === underlying &&
      kind !== 'perpetual' &&
      (expiryS === undefined || option.expiryS === expiryS),
  )
  const rests = kind === 'spot' || kind === 'perpetual'
  const inBook = (asset: number): boolean =>
    parameters.collaterals.some((rules) => rules.asset === asset && rules.underlying === underlying)
  return {
    cashUsd: 0,
    options: own,
    perpetuals: rests
      ? (portfolio.perpetuals ?? []).filter((position) => position.underlying === underlying)
      : [],
    collaterals: kind === 'spot' ? portfolio.collaterals.filter(({ asset }) => inBook(asset)) : [],
  }
}

function isEmpty({ options, perpetuals = [], collaterals }: Portfolio): boolean {
  return options.length + perpetuals.length + collaterals.length === 0
}

/** Alone a part may need more than the whole, which nets: then its share is all of it. */
function shareOf(
  part: Portfolio,
  wholeUsd: number,
  market: RiskMarket,
  parameters: RiskParameters,
): number {
  const partUsd = computeMargin(part, market, parameters).initialRequirementUsd
  if (partUsd === 0) return 0
  return wholeUsd > 0 ? partUsd / wholeUsd : 1
}
