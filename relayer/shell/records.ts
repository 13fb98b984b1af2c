import type { Redis } from 'ioredis'
import { commit, type Check, type Fence, type Write } from './commit.ts'
import type { RedisKeys } from './keys.ts'
import {
  advance,
  STAGES,
  TERMINAL_STAGES,
  type MessageEvent,
  type MessageRecord,
  type Stage,
} from '../core/stages.ts'
import { BaseError } from '../../sdk/protocol/errors.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'

/** One line of a message's history. */
export type TimelineEntry = { atMs: number; stage: Stage; event: string; detail: string }

/** What else happens, at once with a change of a record. */
export type Along = {
  fence?: Fence | undefined
  checks?: readonly Check[] | undefined
  writes?: readonly Write[] | undefined
  /** Milliseconds after which the janitor looks at the message if nothing happened to it. */
  dueMs?: number | undefined
}

/**
 * How a change ended: done; overtaken by another change; the event does not fit the stage; the lease
 * that it needed is someone else's now.
 */
export type Applied =
  | { status: 'ok'; record: MessageRecord }
  | { status: 'stale' | 'not_from_here' | 'fenced' }

/** Message records in Redis; every change is one compare-and-set. */
export type Records = ReturnType<typeof createRecords>

const TIMELINE_ENTRIES_MAX = 64

/** Milliseconds in a stage after which the janitor looks at a message, unless told otherwise. */
const DUE_MS: Readonly<Record<Stage, number>> = {
  seen: 2_000,
  filtered: 0,
  awaiting_finality: 15_000,
  awaiting_signatures: 15_000,
  prepared: 2_000,
  reserved: 10_000,
  signed: 10_000,
  broadcast: 10_000,
  included: 5_000,
  safe: 5_000,
  final: 0,
  delivered_by_other: 0,
  orphaned: 0,
}

/** Opens the message records of a network. */
export function createRecords({ redis, keys }: { redis: Redis; keys: RedisKeys }) {
  const load = async (id: Hash): Promise<MessageRecord | undefined> => {
    const data = await redis.hget(keys.record(id), 'data')
    return data === null ? undefined : parseRecord(data)
  }

  const loadMany = async (ids: readonly Hash[]): Promise<readonly MessageRecord[]> => {
    const found = await Promise.all(ids.map(load))
    return found.filter((record) => record !== undefined)
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

  const apply = async (
    record: MessageRecord,
    event: MessageEvent,
    along: Along = {},
  ): Promise<Applied> => {
    const decided = advance(record, event)
    if (decided.status !== 'ok') return { status: 'not_from_here' }
    const key = keys.record(record.id)
    const status = await commit(redis, {
      primary: key,
      fence: along.fence,
      checks: [{ key, field: 'epoch', equals: `${record.epoch}` }, ...(along.checks ?? [])],
      writes: [
        ...writesOf(keys, record.stage, decided.record, event.type, along),
        ...(along.writes ?? []),
      ],
    })
    return status === 'ok' ? { status, record: decided.record } : { status }
  }

  /** Milliseconds since a message was first seen, by Redis' clock; undefined when it is unknown. */
  const ageMs = async (id: Hash): Promise<number | undefined> => {
    const [first, now] = await Promise.all([
      redis.hget(keys.record(id), 'first'),
      redisTimeMs(redis),
    ])
    return first === null ? undefined : Math.max(0, now - Number(first))
  }

  return { load, loadMany, create, apply, ageMs, ...viewsOf({ redis, keys, loadMany }) }
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

  /** Ids in a stage that are due, the longest due first. */
  const due = async (stage: Stage, limit: number): Promise<readonly Hash[]> => {
    const now = await redisTimeMs(redis)
    return (await redis.zrange(
      keys.stage(stage),
      '-inf',
      `${now}`,
      'BYSCORE',
      'LIMIT',
      0,
      limit,
    )) as Hash[]
  }

  const postpone = async (stage: Stage, id: Hash, delayMs: number): Promise<void> => {
    await redis.zadd(keys.stage(stage), 'XX', (await redisTimeMs(redis)) + delayMs, id)
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
        .zrem(keys.stage(stage), record.id)
        .exec()
    }
    return excess.length
  }

  return { timeline, due, postpone, counts, list, trim }
}

/** Gives Redis' clock in milliseconds: the one clock that all processes share. */
export async function redisTimeMs(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}

function writesOf(
  keys: RedisKeys,
  before: Stage | undefined,
  record: MessageRecord,
  event: string,
  { dueMs }: Along,
): readonly Write[] {
  const key = keys.record(record.id)
  const due = TERMINAL_STAGES.has(record.stage) ? 0 : (dueMs ?? DUE_MS[record.stage])
  const moved: Write[] =
    before === undefined || before === record.stage ? [] : [['ZREM', keys.stage(before), record.id]]
  const line = ['stage', record.stage, 'event', event, 'detail', detailOf(record)]
  const first = before === undefined ? ['first', '@now'] : []
  return [
    [
      'HSET',
      key,
      'epoch',
      `${record.epoch}`,
      'data',
      JSON.stringify(record),
      'at',
      '@now',
      ...first,
    ],
    ...moved,
    ['ZADD', keys.stage(record.stage), `@now+${due}`, record.id],
    ['XADD', keys.timeline(record.id), 'MAXLEN', `${TIMELINE_ENTRIES_MAX}`, '*', ...line],
  ]
}

function detailOf({ reason, submission, delivery }: MessageRecord): string {
  if (reason !== undefined) return `${reason.code}: ${reason.text}`
  if (delivery !== undefined) return `block ${delivery.blockNumber}`
  if (submission === undefined) return ''
  const { lane, nonce, transactionHash } = submission
  return [`${lane} nonce ${nonce}`, transactionHash ?? ''].join(' ').trim()
}

function parseRecord(data: string): MessageRecord {
  const record = JSON.parse(data) as MessageRecord
  if (record.version !== 1) throw new RecordVersionError(record.version)
  return record
}

/** A record was written by another version of this program. */
export class RecordVersionError extends BaseError {
  override readonly name = 'RecordVersionError'

  constructor(version: unknown) {
    super('A message record has an unknown version.', {
      code: 'RECORD_VERSION',
      retryable: false,
      metaMessages: [`version: ${JSON.stringify(version)}; this program reads version 1`],
    })
  }
}
