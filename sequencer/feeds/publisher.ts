import { Counter, Gauge, type Registry } from 'prom-client'
import type { FeedUpdate } from '../../sdk/protocol/feeds.ts'
import type { UnderlyingId } from '../../sdk/protocol/ids.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { PublishOutcome } from './gateway-client.ts'
import type { MarkSource } from './mark-source.ts'
import { feedUpdateOf } from './quantise.ts'
import type { FeedSigner } from './sign.ts'
import type { SequenceSource } from './state.ts'

/** An underlying that is published. */
export type PublishedUnderlying = { id: UnderlyingId; symbol: string }

/** How often marks are looked at and published. */
export type PublisherPace = {
  /** A mark is published at least this often. */
  intervalMs: number
  /** The source is looked at this often. */
  checkMs: number
  /** A move of spot of this many hundredths of a percent is published at once. */
  moveBps: number
}

/** How publishing one underlying stands. */
export type UnderlyingStatus = PublishedUnderlying & {
  /** The last accepted update; absent before the first. */
  accepted: FeedUpdate | undefined
  acceptedAtMs: number | undefined
  /** Why the last attempt failed; absent after a success. */
  fault: string | undefined
}

/** A running publisher. */
export type Publisher = {
  status: () => readonly UnderlyingStatus[]
  /** Publishes with the next look at the source, whether or not anything moved. */
  wake: () => void
  stop: () => Promise<void>
}

/** What a publisher needs of the world. */
export type PublisherPorts = {
  clockMs: () => number
  source: MarkSource
  sign: FeedSigner
  sequence: SequenceSource
  post: (signed: Awaited<ReturnType<FeedSigner>>) => Promise<PublishOutcome>
  log: Logger
  registry: Registry
}

/** Starts publishing: one update per underlying and interval, sooner when spot moves. */
export function startPublisher(
  underlyings: readonly PublishedUnderlying[],
  pace: PublisherPace,
  ports: PublisherPorts,
): Publisher {
  const metrics = publisherMetrics(ports.registry, ports.clockMs)
  const tracks = underlyings.map((underlying) => newTrack(underlying))
  metrics.watch(tracks)
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const round = async (): Promise<void> => {
    for (const track of tracks) {
      if (!stopped) await publishIfDue(track, pace, ports, metrics)
    }
  }
  const schedule = (): void => {
    if (stopped) return
    timer = setTimeout(look, pace.checkMs)
  }
  const look = (): void => {
    clearTimeout(timer)
    running = running.then(round).then(schedule)
  }
  look()
  return {
    status: () => tracks.map(({ status }) => ({ ...status })),
    wake: () => {
      for (const track of tracks) track.attemptedAtMs = undefined
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}

type Track = {
  status: UnderlyingStatus
  /** Spot and time of the last attempt; undefined: attempt at the next look. */
  attemptedSpotUsd: number
  attemptedAtMs: number | undefined
  /** The feeds' time never goes back, whatever the clock does. */
  lastTimestampMs: number
}

function newTrack({ id, symbol }: PublishedUnderlying): Track {
  return {
    status: { id, symbol, accepted: undefined, acceptedAtMs: undefined, fault: undefined },
    attemptedSpotUsd: 0,
    attemptedAtMs: undefined,
    lastTimestampMs: 0,
  }
}

async function publishIfDue(
  track: Track,
  pace: PublisherPace,
  ports: PublisherPorts,
  metrics: PublisherMetrics,
): Promise<void> {
  const nowMs = ports.clockMs()
  const spotUsd = ports.source.spotUsd(track.status.symbol, nowMs)
  if (!isDue(track, spotUsd, nowMs, pace)) return
  track.attemptedAtMs = nowMs
  track.attemptedSpotUsd = spotUsd
  track.lastTimestampMs = Math.max(track.lastTimestampMs, nowMs)

  const update = feedUpdateOf(ports.source.marks(track.status.symbol, nowMs), {
    underlying: track.status.id,
    sequence: ports.sequence.next(),
    timestampMs: track.lastTimestampMs,
    stableUsd: ports.source.stableUsd(nowMs),
  })
  const outcome = await ports.post(await ports.sign(update))
  metrics.count(track.status.symbol, outcome.status)
  if (outcome.status === 'accepted') {
    if (track.status.fault !== undefined) {
      ports.log.info({ symbol: track.status.symbol }, 'marks are accepted again')
    }
    Object.assign(track.status, { accepted: update, acceptedAtMs: nowMs, fault: undefined })
    return
  }
  const fault = faultOf(outcome)
  if (outcome.status === 'stale') {
    ports.sequence.raiseAbove(outcome.current)
    track.attemptedAtMs = undefined
  }
  // The first failure of a row is news, the others are the same news.
  if (track.status.fault === undefined) {
    ports.log.warn({ symbol: track.status.symbol, fault }, 'marks were not accepted')
  }
  track.status.fault = fault
}

function isDue(track: Track, spotUsd: number, nowMs: number, pace: PublisherPace): boolean {
  const { attemptedAtMs, attemptedSpotUsd } = track
  if (attemptedAtMs === undefined || nowMs < attemptedAtMs) return true
  if (nowMs - attemptedAtMs >= pace.intervalMs) return true
  return Math.abs(spotUsd - attemptedSpotUsd) * 10_000 >= attemptedSpotUsd * pace.moveBps
}

function faultOf(outcome: Exclude<PublishOutcome, { status: 'accepted' }>): string {
  if (outcome.status === 'stale') return `the sequence was at ${outcome.current}`
  if (outcome.status === 'refused') return `refused with ${outcome.code}: ${outcome.message}`
  return `gateway unreachable: ${outcome.message}`
}

type PublisherMetrics = {
  count: (symbol: string, outcome: PublishOutcome['status']) => void
  watch: (tracks: readonly Track[]) => void
}

function publisherMetrics(registry: Registry, clockMs: () => number): PublisherMetrics {
  const updates = new Counter({
    name: 'tandem_publisher_updates_total',
    help: 'Feed updates sent to the gateway, by what became of them.',
    labelNames: ['symbol', 'outcome'],
    registers: [registry],
  })
  let watched: readonly Track[] = []
  const age = new Gauge({
    name: 'tandem_publisher_mark_age_seconds',
    help: 'Time since the gateway last accepted marks.',
    labelNames: ['symbol'],
    registers: [registry],
    collect: () => {
      for (const { status } of watched) {
        const { symbol, acceptedAtMs } = status
        if (acceptedAtMs !== undefined) age.set({ symbol }, (clockMs() - acceptedAtMs) / 1_000)
      }
    },
  })
  return {
    count: (symbol, outcome) => updates.inc({ symbol, outcome }),
    watch: (tracks) => {
      watched = tracks
    },
  }
}
