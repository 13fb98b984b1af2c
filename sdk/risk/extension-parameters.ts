import type { UnderlyingId } from '../protocol/ids.ts'

/**
 * E1: gains on one underlying offset losses on another in the same scenario, in part.
 *
 * The worst joint loss is never counted below `keep` times the sum of the underlyings' own.
 */
export type CrossUnderlyingParameters = {
  /** ψ per underlying, in `[0, 1]`, and the largest gain that counts; not listed: no gain counts. */
  offsets: readonly { underlying: UnderlyingId; share: number; gainMaxUsd: number }[]
  /** 1 − ρ, in `[0, 1]`. */
  keep: number
}

/** E2: what spot may move while the hub's view of a spoke is old. */
export type LatencyParameters = {
  /** z: standard deviations that are charged. */
  deviations: number
  /** λ: upper bound of the age of the hub's view, seconds; 0 charges nothing. */
  stateAgeS: number
}

/** E3: large dollar deltas cost more, linearly up to a most. */
export type SizeParameters = {
  /** Θ, USD of delta per underlying, > 0. */
  thresholdUsd: number
  /** Rise of the charged share per threshold's worth of delta beyond it. */
  slope: number
  /** δmax: the charged share is at most this. */
  shareMax: number
}

/** Charges and offsets beside PM2: each that is absent is off, and without any the model is PM2. */
export type Extensions = {
  crossUnderlying?: CrossUnderlyingParameters | undefined
  latency?: LatencyParameters | undefined
  size?: SizeParameters | undefined
  /** Share of a perpetual's notional, per underlying: the smallest annualised move of its basis. */
  rollShock?: readonly { underlying: UnderlyingId; share: number }[] | undefined
  /** True: an expiry that owes nothing never loses more than its value in a skew scenario. */
  capLongAtPremium?: boolean | undefined
  /** Requirements are at least this share of gross notional. */
  notionalFloor?: number | undefined
}

/** Names the rule that a set of extensions breaks, if any. */
export function extensionsFault(extensions: Extensions): string | undefined {
  const { crossUnderlying, latency, size, rollShock = [], notionalFloor = 0 } = extensions
  const share = (value: number): boolean => value >= 0 && value <= 1
  const amount = (value: number): boolean => value >= 0 && value < Infinity
  if (crossUnderlying !== undefined) {
    if (!share(crossUnderlying.keep)) return 'kept share of underlyings in [0, 1]'
    for (const offset of crossUnderlying.offsets) {
      if (!share(offset.share)) return 'offset between underlyings in [0, 1]'
      if (!amount(offset.gainMaxUsd)) return 'gain that offsets ≥ 0'
    }
  }
  if (latency !== undefined && !(amount(latency.deviations) && amount(latency.stateAgeS))) {
    return 'deviations and state age ≥ 0'
  }
  if (size !== undefined) {
    if (!(size.thresholdUsd > 0 && size.thresholdUsd < Infinity)) return 'delta threshold > 0'
    if (!amount(size.slope) || !share(size.shareMax))
      return 'size charge: slope ≥ 0, share in [0, 1]'
  }
  if (!rollShock.every((entry) => share(entry.share))) return 'roll shock in [0, 1]'
  if (!share(notionalFloor)) return 'floor in [0, 1]'
  return undefined
}
