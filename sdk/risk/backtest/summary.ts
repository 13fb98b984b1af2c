import type { Episode } from './episode.ts'

/** What a portfolio's episodes through one history come to. */
export type BacktestSummary = {
  episodes: number
  /** Episodes with a margin call. */
  calls: number
  /** Episodes that ended in a liquidation. */
  liquidations: number
  /** Liquidations that left a debt: the margin was not enough for the move. */
  breaches: number
  /** Debts of all episodes, USD. */
  shortfallUsd: number
  /** Largest debt, as a share of notional at entry. */
  shortfallShareMax: number
  /** Mean initial requirement as a share of notional at entry: portfolio margin, and isolated. */
  initialShare: number
  isolatedShare: number
  /** Portfolio margin over isolated margin: below 1 is what netting saves; 0 when neither asks for any. */
  costRatio: number
}

/** Adds episodes up; each counts once, whatever its length. */
export function summarise(episodes: readonly Episode[]): BacktestSummary {
  const mean = (pick: (episode: Episode) => number): number =>
    episodes.length === 0
      ? 0
      : episodes.reduce((sum, episode) => sum + pick(episode), 0) / episodes.length
  const share = (usd: number, { checks, notionalUsd }: Episode): number =>
    notionalUsd > 0 ? usd / checks / notionalUsd : 0
  const initialShare = mean((episode) => share(episode.initialRequirementSumUsd, episode))
  const isolatedShare = mean((episode) => share(episode.isolatedRequirementSumUsd, episode))
  const count = (holds: (episode: Episode) => boolean): number => episodes.filter(holds).length
  return {
    episodes: episodes.length,
    calls: count(({ called }) => called),
    liquidations: count(({ liquidated }) => liquidated),
    breaches: count(({ shortfallUsd }) => shortfallUsd > 0),
    shortfallUsd: episodes.reduce((sum, { shortfallUsd }) => sum + shortfallUsd, 0),
    shortfallShareMax: episodes.reduce(
      (most, { shortfallUsd, notionalUsd }) =>
        notionalUsd > 0 ? Math.max(most, shortfallUsd / notionalUsd) : most,
      0,
    ),
    initialShare,
    isolatedShare,
    costRatio: isolatedShare > 0 ? initialShare / isolatedShare : 0,
  }
}
