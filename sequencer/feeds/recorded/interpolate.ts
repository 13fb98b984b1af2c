import { SECONDS_PER_YEAR } from '../../../sdk/risk/black76.ts'
import { exponential } from '../../../sdk/risk/numeric/exponential.ts'
import { logarithm } from '../../../sdk/risk/numeric/logarithm.ts'
import { totalVariance } from '../../../sdk/risk/svi.ts'
import { type SviShape, fitSvi } from '../../../sdk/risk/surface/svi-fit.ts'
import type { RecordedSlice, RecordedUnderlying } from './market-file.ts'

/** The start is close to the mixture: more evaluations than this change nothing that shows. */
const REFIT_EVALUATIONS_MAX = 100

/** Marks of one underlying at one moment of recorded time. */
export type RecordedMarks = {
  indexUsd: number
  /** False exactly at a snapshot. */
  interpolated: boolean
  expiries: readonly RecordedExpiry[]
}

/** Marks of one expiry at one moment of recorded time. */
export type RecordedExpiry = {
  expiryMs: number
  forwardUsd: number
  /** Carry between index and forward, continuous, per year. */
  ratePerYear: number
  /** Time to expiry in recorded time, years. */
  years: number
  shape: SviShape
}

/** Where an interpolated smile is sampled, in at-the-money deviations: the range the surface is used on. */
const SAMPLES = [-4, -3, -2.25, -1.5, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 1.5, 2.25, 3, 4] as const

/**
 * Gives a recorded market at a moment: at a snapshot what was fitted, between two snapshots the log
 * of index and forwards and the total variance at each log-moneyness, interpolated in time.
 *
 * A mixture of two SVI smiles is no SVI smile, so raw SVI is fitted to it anew; at a snapshot the
 * fit gives back the snapshot's own slice.
 *
 * @param atMs - Held within the recording's first and last snapshot.
 */
export function marksAt(recorded: RecordedUnderlying, atMs: number): RecordedMarks {
  const { before, after, weight, heldMs } = placeOf(recorded, atMs)
  const indexUsd = mixLog(before.indexUsd, after.indexUsd, weight)
  const expiries = recorded.expiriesMs.map((expiryMs, i) => {
    const [from, to] = [before.slices[i], after.slices[i]]
    if (from === undefined || to === undefined) throw new RangeError('A snapshot is complete.')
    const forwardUsd = mixLog(from.forwardUsd, to.forwardUsd, weight)
    const years = (expiryMs - heldMs) / 1_000 / SECONDS_PER_YEAR
    return {
      expiryMs,
      forwardUsd,
      ratePerYear: logarithm(forwardUsd / indexUsd) / years,
      years,
      shape: mixSmiles(from, to, weight),
    }
  })
  return { indexUsd, interpolated: weight > 0, expiries }
}

/** Gives the index price of a recorded market at a moment, USD: interpolated in its log. */
export function indexAt(recorded: RecordedUnderlying, atMs: number): number {
  const { before, after, weight } = placeOf(recorded, atMs)
  return mixLog(before.indexUsd, after.indexUsd, weight)
}

type RecordedSnapshot = RecordedUnderlying['snapshots'][number]

/** The snapshots around a moment, and how far it is from the first to the second. */
function placeOf(
  { snapshots }: RecordedUnderlying,
  atMs: number,
): { before: RecordedSnapshot; after: RecordedSnapshot; weight: number; heldMs: number } {
  const first = snapshots[0]
  const last = snapshots.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('A recording is not empty.')
  const heldMs = Math.min(Math.max(atMs, first.atMs), last.atMs)
  const after = snapshots.find((snapshot) => snapshot.atMs >= heldMs) ?? last
  const before = snapshots.findLast((snapshot) => snapshot.atMs <= heldMs) ?? first
  const span = after.atMs - before.atMs
  return { before, after, weight: span === 0 ? 0 : (heldMs - before.atMs) / span, heldMs }
}

/** Interpolates total variance at each log-moneyness, and fits one raw SVI slice to the mixture. */
export function mixSmiles(from: RecordedSlice, to: RecordedSlice, weight: number): SviShape {
  if (weight === 0) return shapeOf(from)
  if (weight === 1) return shapeOf(to)
  const mixed = (logMoneyness: number): number =>
    (1 - weight) * totalVariance({ ...shapeOf(from), years: 1 }, logMoneyness) +
    weight * totalVariance({ ...shapeOf(to), years: 1 }, logMoneyness)
  const deviation = Math.sqrt(mixed(0))
  const points = SAMPLES.map((sample) => {
    const logMoneyness = sample * deviation
    const value = mixed(logMoneyness)
    // The centre of the smile is what is traded: it counts e times as much per deviation squared.
    const centre = exponential((-sample * sample) / 4)
    return { logMoneyness, totalVariance: value, weight: centre / (value * value) }
  })
  const start = {
    m: (1 - weight) * from.m + weight * to.m,
    s: mixLog(from.s, to.s, weight),
  }
  // A mixture is not far from its parts, and each part itself lies within these bounds.
  const bounds = {
    mMax: Math.max(Math.abs(from.m), Math.abs(to.m)) + deviation,
    sMin: Math.min(from.s, to.s) / 2,
    sMax: Math.max(from.s, to.s) * 2,
  }
  return fitSvi(points, { starts: [start], bounds, evaluationsMax: REFIT_EVALUATIONS_MAX }).shape
}

function shapeOf({ a, b, rho, m, s }: RecordedSlice): SviShape {
  return { a, b, rho, m, s }
}

function mixLog(from: number, to: number, weight: number): number {
  if (weight === 0) return from
  return exponential((1 - weight) * logarithm(from) + weight * logarithm(to))
}
