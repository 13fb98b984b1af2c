import type { Redis } from 'ioredis'
import { commit, type Check, type Fence, type Write } from './commit.ts'
import type { RedisKeys } from './keys.ts'
import {
  advance,
  readRecord,
  RECORD_VERSION,
  STAGES,
  type MessageEvent,
  type MessageRecord,
  type Stage,
} from '../../core/stages.ts'
import { listOf } from '../../core/work.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'

/** One line of a message's history. */
export type TimelineEntry = { atMs: number; stage: Stage; event: string; detail: string }

/** What else happens, at once with a change of records. */
export type Along = {
  fence?: Fence | undefined
  checks?: readonly Check[] | undefined
  writes?: readonly Write[] | undefined
  /** Milliseconds until a worker may take the message up again; default at once. */
  delayMs?: number | undefined
}

/**
 * How a change ended: done; overtaken by another change; the event does not fit the stage; the lease
 * that it needed is someone else's now.
 */
export type Applied =
  | { status: 'ok'; record: MessageRecord }
  | { status: 'stale' | 'not_from_here' | 'fenced' }

/** How a change of several records ended: all of them or none. */
export type AppliedMany =
  | { status: 'ok'; records: readonly MessageRecord[] }
  | { status: 'stale' | 'fenced' }

/** Message records in Redis; every change is one compare-and-set. */
export type Records = ReturnType<typeof createRecords>

const TIMELINE_ENTRIES_MAX = 64
/** Changes that the stream of all messages keeps. */
const EVENTS_MAX = 10_000
const LOAD_BATCH = 200

/** Opens the message records of a network. */
export function createRecords({ redis, keys }: { redis: Redis; keys: RedisKeys }) {
  const load = async (id: Hash): Promise<MessageRecord | undefined> => {
    const [data, raw, metadata] = await redis.hmget(keys.record(id), 'data', 'raw', 'metadata')
    return data === null || data === undefined ? undefined : parseRecord(data, raw, metadata)
  }

  const loadMany = async (ids: readonly Hash[]): Promise<readonly MessageRecord[]> => {
    const found: MessageRecord[] = []
    for (let start = 0; start < ids.length; start += LOAD_BATCH) {
      const part = await Promise.all(ids.slice(start, start + LOAD_BATCH).map(load))
      found.push(...part.filter((record) => record !== undefined))
    }
    return found
  }

  const create = async (record: MessageRecord, along: Along = {}): Promise<Applied> => {
    const key = keys.record(record.id)
    const status = await commit(redis, {
      primary: key,
      fence: along.fence,
      checks: [{ key, field: 'epoch', equals: null }, ...(along.checks ?? [])],
      writes: [...writesOf(keys, undefined, record, 'seen', along), ...(along.writes ?? [])],
    })
    return status === 'ok' ? { status, record } : { status }
  }

  /** Applies an event to each record that it fits, to all of them at once or to none. */
  const applyMany = async (
    records: readonly MessageRecord[],
    eventOf: MessageEvent | ((record: MessageRecord) => MessageEvent),
    along: Along = {},
  ): Promise<AppliedMany> => {
    const changes = records.flatMap((before) => {
      const event = typeof eventOf === 'function' ? eventOf(before) : eventOf
      const decided = advance(before, event)
      return decided.status === 'ok' ? [{ before, after: decided.record, event }] : []
    })
    const [first] = changes
    if (first === undefined) return { status: 'ok', records: [] }
    const checks = changes.map(({ before }) => {
      return { key: keys.record(before.id), field: 'epoch', equals: `${before.epoch}` }
    })
    const status = await commit(redis, {
      primary: keys.record(first.before.id),
      fence: along.fence,
      checks: [...checks, ...(along.checks ?? [])],
      writes: [
        ...changes.flatMap(({ before, after, event }) =>
          writesOf(keys, before, after, event.type, along),
        ),
        ...(along.writes ?? []),
      ],
    })
    return status === 'ok' ? { status, records: changes.map(({ after }) => after) } : { status }
  }

  const apply = async (
    record: MessageRecord,
    event: MessageEvent,
    along: Along = {},
  ): Promise<Applied> => {
    const applied = await applyMany([record], event, along)
    if (applied.status !== 'ok') return applied
    const [changed] = applied.records
    return changed === undefined ? { status: 'not_from_here' } : { status: 'ok', record: changed }
  }

  /** Milliseconds since a message was first seen, by Redis' clock; undefined when it is unknown. */
  const ageMs = async (id: Hash): Promise<number | undefined> => {
    const [first, now] = await Promise.all([
      redis.hget(keys.record(id), 'first'),
      redisTimeMs(redis),
    ])
    return first === null ? undefined : Math.max(0, now - Number(first))
  }

  return { load, loadMany, create, apply, applyMany, ageMs, ...viewsOf({ redis, keys, loadMany }) }
}

function viewsOf(context: {
  redis: Redis
  keys: RedisKeys
  loadMany: (ids: readonly Hash[]) => Promise<readonly MessageRecord[]>
}) {
  const { redis, keys, loadMany } = context
  const timeline = async (id: Hash): Promise<readonly TimelineEntry[]> => {
    const entries = await redis.xrange(keys.timeline(id), '-', '+')
    return entries.map(([entryId, fields]) => ({
      atMs: Number(entryId.split('-')[0]),
      stage: fields[1] as Stage,
      event: fields[3] ?? '',
      detail: fields[5] ?? '',
    }))
  }

  /** Ids that have been in a stage for longer than some milliseconds, the longest first. */
  const older = async (
    stage: Stage,
    { ageMs, offset, limit }: { ageMs: number; offset: number; limit: number },
  ): Promise<readonly Hash[]> => {
    const until = `${(await redisTimeMs(redis)) - ageMs}`
    return (await redis.zrange(
      ...([keys.stage(stage), '-inf', until, 'BYSCORE', 'LIMIT', offset, limit] as const),
    )) as Hash[]
  }

  /** When (ms, Redis' clock) the oldest message of a stage came to it; undefined for an empty stage. */
  const oldestMs = async (stage: Stage): Promise<number | undefined> => {
    const [, score] = await redis.zrange(keys.stage(stage), '0', '0', 'WITHSCORES')
    return score === undefined ? undefined : Number(score)
  }

  const counts = async (): Promise<ReadonlyMap<Stage, number>> => {
    const found = await Promise.all(STAGES.map((stage) => redis.zcard(keys.stage(stage))))
    return new Map(STAGES.map((stage, i) => [stage, found[i] ?? 0]))
  }

  const list = async (
    stage: Stage,
    from: number,
    limit: number,
  ): Promise<readonly MessageRecord[]> =>
    loadMany((await redis.zrange(keys.stage(stage), `${from}`, `${from + limit - 1}`)) as Hash[])

  /** Forgets the oldest messages of an end stage, so that Redis stays bounded; the chain remembers. */
  const trim = async (stage: Stage, keep: number): Promise<number> => {
    const excess = (await redis.zrange(keys.stage(stage), '0', `${-(keep + 1)}`)) as Hash[]
    for (const record of await loadMany(excess)) {
      await redis
        .multi()
        .del(keys.record(record.id), keys.timeline(record.id))
        .hdel(keys.leaves(record.origin), record.id)
        .hdel(keys.payments(record.origin), record.id)
        .zrem(keys.stage(stage), record.id)
        .exec()
    }
    return excess.length
  }

  return { timeline, older, oldestMs, counts, list, trim }
}

/** Gives Redis' clock in milliseconds: the one clock that all processes share. */
export async function redisTimeMs(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}

function writesOf(
  keys: RedisKeys,
  before: MessageRecord | undefined,
  record: MessageRecord,
  event: string,
  { delayMs = 0 }: Along,
): readonly Write[] {
  const { id, stage, raw, metadata, ...rest } = record
  const key = keys.record(id)
  const line = ['stage', stage, 'event', event, 'detail', detailOf(record)]
  const writes: Write[] = [
    ['HSET', key, 'epoch', `${record.epoch}`, 'data', JSON.stringify({ id, stage, ...rest })],
    ['HSET', key, 'at', '@now', 'tries', '0'],
    ['XADD', keys.timeline(id), 'MAXLEN', `${TIMELINE_ENTRIES_MAX}`, '*', ...line],
    ['XADD', keys.events, 'MAXLEN', '~', `${EVENTS_MAX}`, '*', 'id', id, ...line],
  ]
  // Long and unchanging: they are not written again with each change.
  if (before === undefined) writes.push(['HSET', key, 'raw', raw, 'first', '@now'])
  if (metadata !== before?.metadata) {
    writes.push(
      metadata === undefined ? ['HDEL', key, 'metadata'] : ['HSET', key, 'metadata', metadata],
    )
  }
  if (before?.stage !== stage) {
    if (before !== undefined) writes.push(['ZREM', keys.stage(before.stage), id])
    writes.push(['ZADD', keys.stage(stage), '@now', id])
  }
  return [...writes, ...workWrites(keys, before, record, delayMs)]
}

/** Moves a message from the list of work that it left to the one that it waits in now. */
function workWrites(
  keys: RedisKeys,
  before: MessageRecord | undefined,
  record: MessageRecord,
  delayMs: number,
): readonly Write[] {
  const left = before && listOf(before)
  const list = listOf(record)
  const writes: Write[] = []
  if (left !== undefined && left !== list) writes.push(['ZREM', keys.work(left), record.id])
  if (list === undefined) return writes
  writes.push(['ZADD', keys.work(list), `@now+${Math.ceil(delayMs)}`, record.id])
  if (delayMs === 0) writes.push(['PUBLISH', keys.wakes, list])
  return writes
}

function detailOf({ reason, submission, delivery }: MessageRecord): string {
  if (reason !== undefined) return `${reason.code}: ${reason.text}`
  if (delivery !== undefined) return `block ${delivery.blockNumber}`
  if (submission === undefined) return ''
  const { lane, nonce, transactionHash } = submission
  return [`${lane} nonce ${nonce}`, transactionHash ?? ''].join(' ').trim()
}

/** Puts a message aside in whose presence processes died again and again. */
export async function poisoned(
  { apply }: Pick<Records, 'apply'>,
  record: MessageRecord,
): Promise<void> {
  const text = 'processes that worked on it died again and again'
  await apply(record, { type: 'dead_letter', reason: { code: 'poison', text } })
}

/**
 * Reads a record from its fields in Redis.
 *
 * @throws {@link RecordVersionError} when a later version of this program wrote it.
 */
export function parseRecord(
  data: string,
  raw: string | null | undefined,
  metadata: string | null | undefined,
): MessageRecord {
  const stored = readRecord(JSON.parse(data))
  if ('unknown' in stored) throw new RecordVersionError(stored.unknown)
  // Version 1 kept both in the data itself.
  if (raw !== null && raw !== undefined && raw !== '') stored.raw = raw as Hex
  if (metadata !== null && metadata !== undefined && metadata !== '') {
    stored.metadata = metadata as Hex
  }
  return stored
}

/** A record was written by another version of this program. */
export class RecordVersionError extends BaseError {
  override readonly name = 'RecordVersionError'

  constructor(version: unknown) {
    super('A message record has an unknown version.', {
      code: 'RECORD_VERSION',
      retryable: false,
      metaMessages: [
        `version: ${JSON.stringify(version)}; this program reads versions 1 to ${RECORD_VERSION}`,
      ],
    })
  }
}
