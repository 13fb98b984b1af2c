import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ConfigError, describeIssues } from '../../sdk/process/config-error.ts'
import { writeDurably } from '../../sdk/process/durable-file.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import type { Playback, RecordedSpan } from './playback.ts'

const HOUR_MS = 3_600_000

const marketSchema = z.strictObject({
  version: z.literal(1),
  logId: z.string(),
  source: z.string(),
  /** Chain time less recorded time, whole hours. */
  offsetMs: z.int().multipleOf(HOUR_MS),
})

const playbackSchema = z.strictObject({
  version: z.literal(1),
  startedMs: z.int(),
  fromMs: z.int(),
  toMs: z.int(),
  durationMs: z.int().min(0),
  rate: z.number().min(0),
})

const sequenceSchema = z.strictObject({
  version: z.literal(1),
  /** No update above it was ever signed. */
  reserved: z.string().regex(/^\d{1,19}$/),
})

/** Where recorded time lies on the chains' clock; fixed when a network first starts. */
export type MarketAnchor = z.infer<typeof marketSchema>

/**
 * Reads where recorded time lies on the chains' clock, or fixes it: the recording begins now, to the
 * hour, so that expiries stay on the hour.
 *
 * @param path - `market.json` beside the network's description.
 * @throws {@link ConfigError} when the file is damaged or belongs to another network.
 */
export function openMarketAnchor(
  path: string,
  options: { logId: Hash; source: string; span: RecordedSpan; nowMs: number },
): MarketAnchor {
  const { logId, source, span, nowMs } = options
  const known = readState(path, marketSchema)
  if (known !== undefined) {
    if (known.logId === logId) return known
    throw new ConfigError(`The market file ${path} belongs to another network.`, [
      `logId: ${known.logId}; expected: ${logId}`,
    ])
  }
  const offsetMs = Math.round((nowMs - span.firstMs) / HOUR_MS) * HOUR_MS
  const fresh: MarketAnchor = { version: 1, logId, source, offsetMs }
  writeState(path, fresh)
  return fresh
}

/** Reads how the recording plays; absent: it begins at its first moment. */
export function openPlayback(
  path: string,
  options: { span: RecordedSpan; nowMs: number; rate: number },
): Playback {
  const known = readState(path, playbackSchema)
  if (known !== undefined) {
    const { version: _version, ...playback } = known
    return playback
  }
  const { span, nowMs, rate } = options
  const { firstMs } = span
  const fresh = { startedMs: nowMs, fromMs: firstMs, toMs: firstMs, durationMs: 0, rate }
  savePlayback(path, fresh)
  return fresh
}

/** Writes how the recording plays, durably. */
export function savePlayback(path: string, playback: Playback): void {
  writeState(path, { version: 1, ...playback })
}

/** Sequence numbers that no restart gives out twice. */
export type SequenceSource = {
  next: () => bigint
  /** Goes on above a number that the other side has seen. */
  raiseAbove: (seen: bigint) => void
}

const RESERVED_AT_ONCE = 1_000n

/**
 * Opens the feed's sequence: numbers are reserved on disk a thousand at a time before they are used,
 * so a crash skips numbers and repeats none.
 *
 * @throws {@link ConfigError} when the file is damaged.
 */
export function openSequence(path: string): SequenceSource {
  let reserved = BigInt(readState(path, sequenceSchema)?.reserved ?? '0')
  let last = reserved
  const reserve = (upTo: bigint): void => {
    writeState(path, { version: 1, reserved: upTo.toString() })
    reserved = upTo
  }
  return {
    next: () => {
      if (last >= reserved) reserve(last + RESERVED_AT_ONCE)
      last += 1n
      return last
    },
    raiseAbove: (seen) => {
      if (seen <= last) return
      last = seen
      if (last > reserved) reserve(last + RESERVED_AT_ONCE)
    },
  }
}

function readState<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): z.infer<Schema> | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ConfigError(`The state file ${path} is not JSON.`, [], error)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ConfigError(`The state file ${path} is not valid.`, describeIssues(parsed.error))
}

/** Writes a whole file or nothing: a crash leaves the old one or the new one. */
function writeState(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeDurably(path, `${JSON.stringify(value)}\n`)
}

/** Files of the publisher in its state directory. */
export function stateFiles(directory: string): { playback: string; sequence: string } {
  return { playback: join(directory, 'playback.json'), sequence: join(directory, 'sequence.json') }
}
