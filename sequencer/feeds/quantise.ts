import { assert } from '../../sdk/protocol/assert.ts'
import type { ExpiryMark, FeedUpdate } from '../../sdk/protocol/feeds.ts'
import type { UnderlyingId } from '../../sdk/protocol/ids.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import { SECONDS_PER_YEAR } from '../../sdk/risk/black76.ts'
import type { SourceExpiry, SourceMarks } from './mark-source.ts'

/** Rates beyond ±1,000 % a year are held there: the chains take no more. */
const RATE6_MAX = 10_000_000
const FULL_CONFIDENCE = 10_000

/**
 * Turns a source's marks into the integers that feeds sign, rounded to nearest.
 *
 * Expiries that have passed on the chains' clock are left out.
 *
 * @param header.timestampMs - The chains' clock, milliseconds since 1970.
 */
export function feedUpdateOf(
  marks: SourceMarks,
  header: { underlying: UnderlyingId; sequence: bigint; timestampMs: number; stableUsd: number },
): FeedUpdate {
  const { underlying, sequence, timestampMs, stableUsd } = header
  const live = marks.expiries.filter(({ expiryS }) => expiryS * 1_000 > timestampMs)
  assert(live.length <= LIMITS.feedExpiries, 'a feed update has at most 30 expiries')
  return {
    underlying,
    sequence,
    timestampMs,
    spot8: fixed(marks.spotUsd, 8),
    spotConfidence4: confidence4(marks.spotConfidence),
    stable8: fixed(stableUsd, 8),
    expiries: live.map(expiryMark),
  }
}

function expiryMark(expiry: SourceExpiry): ExpiryMark {
  const { expiryS, forwardUsd, ratePerYear, surface, confidence } = expiry
  const rate6 = Math.round(ratePerYear * 1_000_000)
  return {
    expiryS,
    forward8: fixed(forwardUsd, 8),
    rate6: Math.min(Math.max(rate6, -RATE6_MAX), RATE6_MAX),
    a9: fixed(surface.a, 9),
    b9: fixed(surface.b, 9),
    rho9: fixed(surface.rho, 9),
    m9: fixed(surface.m, 9),
    s9: fixed(surface.s, 9),
    tauS: Math.max(Math.round(surface.years * SECONDS_PER_YEAR), 1),
    confidence4: confidence4(confidence),
  }
}

function fixed(value: number, decimals: number): bigint {
  assert(Number.isFinite(value), 'a mark is a finite number')
  const scaled = Math.round(value * 10 ** decimals)
  assert(Number.isSafeInteger(scaled), 'a mark fits 53 bits')
  return BigInt(scaled)
}

function confidence4(confidence: number): number {
  return Math.round(Math.min(Math.max(confidence, 0), 1) * FULL_CONFIDENCE)
}
