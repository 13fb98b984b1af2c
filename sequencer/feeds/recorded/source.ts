import { z } from 'zod'
import { ConfigError, describeIssues } from '../../../sdk/process/config-error.ts'
import type { RecordedSpan } from '../playback.ts'
import type { MarkSource } from '../mark-source.ts'
import { indexAt, marksAt } from './interpolate.ts'
import { type MarketFile, type RecordedUnderlying, marketFileSchema } from './market-file.ts'

/** A recorded market that plays: a source of marks that knows where it stands. */
export type RecordedSource = MarkSource & {
  /** Whether the marks at a moment of recorded time lie between two snapshots. */
  interpolatedAt: (recordedMs: number) => boolean
}

/**
 * Checks a recorded market.
 *
 * @throws {@link ConfigError} naming every fault.
 */
export function parseMarketFile(value: unknown): MarketFile {
  const parsed = marketFileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const faults = parsed.error instanceof z.ZodError ? describeIssues(parsed.error) : []
  throw new ConfigError('The recorded market is not valid.', faults)
}

/** Gives the first and the last moment that every underlying of a recording has. */
export function spanOf(file: MarketFile): RecordedSpan {
  const firsts = file.underlyings.map(({ snapshots }) => snapshots[0]?.atMs ?? 0)
  const lasts = file.underlyings.map(({ snapshots }) => snapshots.at(-1)?.atMs ?? 0)
  return { firstMs: Math.max(...firsts), lastMs: Math.min(...lasts) }
}

/**
 * Makes a source of marks from a recording.
 *
 * Volatility follows recorded time alone: a surface carries the time it was recorded with, whatever
 * the chains' clock says about its expiry. The recording has no price of the numéraire: it counts as 1.
 *
 * @param options.offsetMs - Chain time less recorded time.
 * @param options.recordedAt - Moment of recorded time that plays at a moment of the clock.
 */
export function recordedSource(
  file: MarketFile,
  options: { offsetMs: number; recordedAt: (clockMs: number) => number },
): RecordedSource {
  const { offsetMs, recordedAt } = options
  return {
    symbols: file.underlyings.map(({ symbol }) => symbol),
    stableUsd: () => 1,
    spotUsd: (symbol, nowMs) => indexAt(underlyingOf(file, symbol), recordedAt(nowMs)),
    marks: (symbol, nowMs) => {
      const marks = marksAt(underlyingOf(file, symbol), recordedAt(nowMs))
      return {
        symbol,
        spotUsd: marks.indexUsd,
        spotConfidence: 1,
        expiries: marks.expiries.map(({ expiryMs, forwardUsd, ratePerYear, years, shape }) => ({
          expiryS: (expiryMs + offsetMs) / 1_000,
          forwardUsd,
          ratePerYear,
          surface: { ...shape, years },
          confidence: 1,
        })),
      }
    },
    interpolatedAt: (recordedMs) =>
      file.underlyings.some(({ snapshots }) => !snapshots.some(({ atMs }) => atMs === recordedMs)),
  }
}

function underlyingOf(file: MarketFile, symbol: string): RecordedUnderlying {
  const found = file.underlyings.find((underlying) => underlying.symbol === symbol)
  if (found !== undefined) return found
  const known = file.underlyings.map((underlying) => underlying.symbol).join(', ')
  throw new ConfigError(`The recorded market has no underlying ${symbol}.`, [`known: ${known}`])
}
