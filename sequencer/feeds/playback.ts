/**
 * How a recording is played: from a moment of recorded time to another within a duration of clock
 * time, and from there on at the usual rate until the recording ends. A pure function of the clock,
 * so a restart goes on where the recording would be.
 */
export type Playback = {
  /** Clock time at which this began, milliseconds since 1970. */
  startedMs: number
  /** Recorded time it began at. */
  fromMs: number
  /** Recorded time it runs to within `durationMs`. */
  toMs: number
  /** Clock time of the run, ≥ 0; 0 jumps to `toMs`. */
  durationMs: number
  /** Recorded time per clock time after the run, ≥ 0; 0 stands still. */
  rate: number
}

/** First and last moment of a recording, milliseconds since 1970. */
export type RecordedSpan = { firstMs: number; lastMs: number }

/** What a playback does at a moment. */
export type PlaybackPhase = 'replaying' | 'playing' | 'ended'

/**
 * Gives the moment of recorded time that plays at a moment of the clock.
 *
 * @returns Within the recording; a clock that went back counts as the start.
 */
export function recordedAt(playback: Playback, span: RecordedSpan, clockMs: number): number {
  const { startedMs, fromMs, toMs, durationMs, rate } = playback
  const elapsedMs = Math.max(clockMs - startedMs, 0)
  const recordedMs =
    elapsedMs < durationMs
      ? fromMs + ((toMs - fromMs) * elapsedMs) / durationMs
      : toMs + (elapsedMs - durationMs) * rate
  return Math.round(Math.min(Math.max(recordedMs, span.firstMs), span.lastMs))
}

/** Says what a playback does at a moment of the clock. */
export function phaseAt(playback: Playback, span: RecordedSpan, clockMs: number): PlaybackPhase {
  if (clockMs - playback.startedMs < playback.durationMs) return 'replaying'
  return recordedAt(playback, span, clockMs) >= span.lastMs ? 'ended' : 'playing'
}

/** Gives the same playback at another rate: what has played stays, a replay is finished first. */
export function withRate(
  playback: Playback,
  span: RecordedSpan,
  clockMs: number,
  rate: number,
): Playback {
  if (playback.rate === rate) return playback
  if (phaseAt(playback, span, clockMs) === 'replaying') return { ...playback, rate }
  const here = recordedAt(playback, span, clockMs)
  return { startedMs: clockMs, fromMs: here, toMs: here, durationMs: 0, rate }
}
