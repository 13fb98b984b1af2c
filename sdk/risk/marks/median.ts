/** A price that one source reports. */
export type SourcePrice = {
  source: string
  /** USD × 10^8. */
  price8: bigint
  /** In 1/10,000. */
  confidence4: number
  timestampMs: number
}

/** When a source counts, and how many must agree. */
export type MedianRules = {
  /** A report older than this does not count. */
  ageMsMax: number
  /** Nor one from further ahead of the clock than this. */
  aheadMsMax: number
  /** Nor one that is less sure than this, in 1/10,000. */
  confidence4Min: number
  /** Fewer sources than this give no price. */
  sourcesMin: number
  /** A report further from the median than this many median deviations does not count. */
  deviationsMax: bigint
  /** Median deviations count as at least this share of the median, in 1/10,000: sources that agree to the
   * last digit must not make an outlier of a tick. */
  deviation4Min: bigint
}

/** Why a source did not count. */
export type DropReason = 'not_positive' | 'stale' | 'from_the_future' | 'unsure' | 'outlier'

/** What sources agree on. */
export type RobustMedian = {
  status: 'ok' | 'too_few_sources'
  /** USD × 10^8, rounded down; absent when too few sources count. */
  price8: bigint | undefined
  /** Lowest confidence that counts, less the share of sources that dropped out, in 1/10,000. */
  confidence4: number
  kept: readonly string[]
  dropped: readonly { source: string; reason: DropReason }[]
}

const TEN_THOUSAND = 10_000

/** Rules of version 1: three sources of ten seconds or less, outliers beyond five median deviations. */
export const MEDIAN_RULES: MedianRules = {
  ageMsMax: 10_000,
  aheadMsMax: 1_000,
  confidence4Min: 5_500,
  sourcesMin: 3,
  deviationsMax: 5n,
  deviation4Min: 5n,
}

/**
 * Takes the median of what sources report, without those that are stale, unsure or far from the rest.
 *
 * While outliers are fewer than half of the sources they move the result by no more than the honest
 * ones differ among themselves. A source that stands twice counts once, by its latest report.
 *
 * @param nowMs - The clock that ages are counted by.
 */
export function robustMedian(
  reports: readonly SourcePrice[],
  nowMs: number,
  rules: MedianRules,
): RobustMedian {
  const latest = latestOfEach(reports)
  const dropped: { source: string; reason: DropReason }[] = []
  const fresh = latest.filter((report) => {
    const reason = dropReason(report, nowMs, rules)
    if (reason !== undefined) dropped.push({ source: report.source, reason })
    return reason === undefined
  })
  const tooFew: RobustMedian = {
    status: 'too_few_sources',
    price8: undefined,
    confidence4: 0,
    kept: [],
    dropped,
  }
  if (fresh.length < rules.sourcesMin || fresh.length === 0) return tooFew

  const centre8 = medianDown(fresh.map(({ price8 }) => price8))
  const away = (price8: bigint): bigint => (price8 > centre8 ? price8 - centre8 : centre8 - price8)
  const spread8 = medianDown(fresh.map(({ price8 }) => away(price8)))
  const least8 = (centre8 * rules.deviation4Min) / BigInt(TEN_THOUSAND)
  const most8 = rules.deviationsMax * (spread8 > least8 ? spread8 : least8)
  const kept = fresh.filter(({ source, price8 }) => {
    const near = away(price8) <= most8
    if (!near) dropped.push({ source, reason: 'outlier' })
    return near
  })
  if (kept.length < rules.sourcesMin) return tooFew
  const surest = Math.min(...kept.map(({ confidence4 }) => confidence4))
  return {
    status: 'ok',
    price8: medianDown(kept.map(({ price8 }) => price8)),
    confidence4: Math.floor((surest * kept.length) / latest.length),
    kept: kept.map(({ source }) => source),
    dropped,
  }
}

function dropReason(
  { price8, confidence4, timestampMs }: SourcePrice,
  nowMs: number,
  rules: MedianRules,
): DropReason | undefined {
  if (price8 <= 0n) return 'not_positive'
  if (!(timestampMs <= nowMs + rules.aheadMsMax)) return 'from_the_future'
  if (!(nowMs - timestampMs <= rules.ageMsMax)) return 'stale'
  if (!(confidence4 >= rules.confidence4Min && confidence4 <= TEN_THOUSAND)) return 'unsure'
  return undefined
}

function latestOfEach(reports: readonly SourcePrice[]): SourcePrice[] {
  const bySource = new Map<string, SourcePrice>()
  for (const report of reports) {
    const held = bySource.get(report.source)
    if (held === undefined || report.timestampMs > held.timestampMs) {
      bySource.set(report.source, report)
    }
  }
  return [...bySource.values()]
}

/** Median of at least one number; of two in the middle their mean, rounded down. */
function medianDown(values: readonly bigint[]): bigint {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const upper = sorted[sorted.length >> 1] ?? 0n
  const lower = sorted[(sorted.length - 1) >> 1] ?? 0n
  return (lower + upper) / 2n
}
