import { join } from 'node:path'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { type Playback, type RecordedSpan, recordedAt, withRate } from './playback.ts'
import type { MarketFile } from './recorded/market-file.ts'
import { type RecordedSource, recordedSource, spanOf } from './recorded/source.ts'
import { openMarketAnchor, openPlayback, savePlayback } from './state.ts'

/** A recorded market that plays on a network's clock. */
export type Recording = {
  file: MarketFile
  span: RecordedSpan
  /** Chain time less recorded time. */
  offsetMs: number
  source: RecordedSource
  playback: () => Playback
  /** Plays otherwise from now on; durable when this returns. */
  play: (playback: Playback) => void
}

/**
 * Opens a recorded market for a network: where recorded time lies on the chains' clock, and how far
 * it has played, are as they were before a restart.
 *
 * @param options.networkDirectory - Holds `market.json`, made when the network first starts.
 * @throws ConfigError when a state file is damaged or belongs to another network.
 */
export function openRecording(
  file: MarketFile,
  options: {
    networkDirectory: string
    playbackFile: string
    logId: Hash
    rate: number
    clockMs: () => number
  },
): Recording {
  const { networkDirectory, playbackFile, logId, rate, clockMs } = options
  const span = spanOf(file)
  const nowMs = clockMs()
  const { offsetMs } = openMarketAnchor(join(networkDirectory, 'market.json'), {
    logId,
    source: file.source,
    span,
    nowMs,
  })
  const known = openPlayback(playbackFile, { span, nowMs, rate })
  let playback = withRate(known, span, nowMs, rate)
  if (playback !== known) savePlayback(playbackFile, playback)
  return {
    file,
    span,
    offsetMs,
    source: recordedSource(file, {
      offsetMs,
      recordedAt: (atMs) => recordedAt(playback, span, atMs),
    }),
    playback: () => playback,
    play: (next) => {
      savePlayback(playbackFile, next)
      playback = next
    },
  }
}
