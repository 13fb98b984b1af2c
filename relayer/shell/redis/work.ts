import type { Redis } from 'ioredis'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { listOf } from '../../core/work.ts'
import type { RedisKeys } from './keys.ts'
import { parseRecord, redisTimeMs } from './records.ts'

/**
 * The lists of messages that wait for work. A list is a view of the records: the janitor makes it
 * anew from them, so losing all lists loses nothing.
 */
export type Work = {
  /** Starts a worker that takes from lists, the first list first. */
  start: (options: WorkerOptions) => Worker
  /** Lets workers take messages after a while, if they still wait where the records say. */
  postpone: (records: readonly MessageRecord[], delayMs: number) => Promise<void>
  /** Takes a message from its list: nothing waits for it any more. */
  rest: (record: MessageRecord) => Promise<void>
  /** Messages that wait or are in hand, per list. */
  lengths: (lists: readonly string[]) => Promise<ReadonlyMap<string, number>>
  /** Calls back with each message on a channel of the network's relayers. */
  listen: (channel: string, listener: (text: string) => void) => void
  close: () => void
}

/** How a worker takes messages. */
export type WorkerOptions = {
  lists: readonly string[]
  /** Messages that it takes at once. */
  batchMax: number
  /** Batches in hand at once. */
  batchesMax: number
  /** Milliseconds after which another worker may take what this one took and did not finish. */
  lockMs: number
  /** Works on messages; what it leaves unchanged is taken again when the lock is over. */
  run: (records: readonly MessageRecord[]) => Promise<void>
  /** Told of a message in whose presence processes died again and again. */
  onPoison: (record: MessageRecord) => Promise<void>
}

/** Something that takes messages until it is stopped; stopping waits for what is in hand. */
export type Worker = { stop: () => Promise<void> }

const IDLE_MS_MAX = 1_000
const FAILED_MS = 500
/** Times taken without an end after which a message is worked on by itself. */
const SUSPECT_TRIES = 3
/** Times taken without an end after which it counts as poison. */
const POISON_TRIES = 7

/*
 * KEYS   the lists, the most urgent first
 * ARGV   messages wanted, lock in ms, prefix of record keys
 * returns now (ms), when the next one is due (ms, -1 for never), and the messages taken, each with
 *         data, raw bytes, metadata and how often it was taken without an end
 */
const TAKE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local left = tonumber(ARGV[1])
local taken = {}
local next = -1
for _, key in ipairs(KEYS) do
  if left > 0 then
    for _, id in ipairs(redis.call('ZRANGE', key, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)) do
      local record = redis.call('HMGET', ARGV[3] .. id, 'data', 'raw', 'metadata')
      if record[1] == false then
        redis.call('ZREM', key, id)
      else
        redis.call('ZADD', key, string.format('%d', now + tonumber(ARGV[2])), id)
        local tries = redis.call('HINCRBY', ARGV[3] .. id, 'tries', 1)
        taken[#taken + 1] = {record[1], record[2] or '', record[3] or '', tries}
        left = left - 1
      end
    end
  end
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] and (next < 0 or tonumber(first[2]) < next) then next = tonumber(first[2]) end
end
return {now, next, taken}
`

type Taken = { waitMs: number; records: { record: MessageRecord; tries: number }[] }

/** Opens the lists of a network's messages. */
export function openWork(options: {
  redis: Redis
  keys: RedisKeys
  onError: (error: unknown) => void
}): Work {
  const { redis, keys, onError } = options
  const listeners = new Map<string, Set<() => void>>()
  const channel = redis.duplicate({ enableAutoPipelining: false })
  channel.on('error', onError)
  const told = new Map<string, (text: string) => void>()
  channel.on('message', (name, text) => told.get(name)?.(text))
  const listen: Work['listen'] = (name, listener) => {
    told.set(name, listener)
    channel.subscribe(name).catch(onError)
  }
  listen(keys.wakes, (list) => {
    for (const wake of listeners.get(list) ?? []) wake()
  })

  const { take, postpone } = commandsOf({ redis, keys })
  const start: Work['start'] = (given) => {
    const unlist = async (ids: readonly Hash[]) => {
      if (ids.length === 0) return
      await Promise.all(given.lists.map((list) => redis.zrem(keys.work(list), ...ids)))
    }
    const worker = startWorker({ ...given, take, postpone, unlist, onError })
    for (const list of given.lists) {
      const wakes = listeners.get(list) ?? new Set()
      listeners.set(list, wakes.add(worker.wake))
    }
    const stop = async () => {
      for (const list of given.lists) listeners.get(list)?.delete(worker.wake)
      await worker.stop()
    }
    return { stop }
  }
  return {
    start,
    postpone,
    rest: async (record) => {
      const list = listOf(record)
      if (list !== undefined) await redis.zrem(keys.work(list), record.id)
    },
    lengths: async (lists) => {
      const found = await Promise.all(lists.map((list) => redis.zcard(keys.work(list))))
      return new Map(lists.map((list, i) => [list, found[i] ?? 0]))
    },
    listen,
    close: () => channel.disconnect(),
  }
}

function commandsOf({ redis, keys }: { redis: Redis; keys: RedisKeys }) {
  const take = async (lists: readonly string[], limit: number, lockMs: number): Promise<Taken> => {
    const names = lists.map(keys.work)
    const args = [...names, `${limit}`, `${lockMs}`, keys.records]
    const [now, next, rows] = (await redis.eval(TAKE, names.length, ...args)) as Answer
    const waitMs = next < 0 ? IDLE_MS_MAX : Math.min(Math.max(next - now, 1), IDLE_MS_MAX)
    const records = rows.map(([data, raw, metadata, tries]) => {
      return { record: parseRecord(data, raw, metadata), tries }
    })
    return { waitMs, records }
  }
  const postpone: Work['postpone'] = async (records, delayMs) => {
    if (records.length === 0) return
    const due = (await redisTimeMs(redis)) + Math.ceil(delayMs)
    const lists = new Set<string>()
    await Promise.all(
      records.flatMap((record) => {
        const list = listOf(record)
        if (list === undefined) return []
        lists.add(list)
        return [
          redis.zadd(keys.work(list), 'XX', due, record.id),
          redis.hset(keys.record(record.id), 'tries', 0),
        ]
      }),
    )
    if (delayMs === 0) await Promise.all([...lists].map((one) => redis.publish(keys.wakes, one)))
  }
  return { take, postpone }
}

type Answer = [number, number, [string, string, string, number][]]

type Engine = WorkerOptions & {
  take: (lists: readonly string[], limit: number, lockMs: number) => Promise<Taken>
  postpone: Work['postpone']
  /** Takes from the lists what waits elsewhere by its record. */
  unlist: (ids: readonly Hash[]) => Promise<void>
  onError: (error: unknown) => void
}

/** Takes batches one after the other; a wake that comes while it waits ends the waiting. */
function startWorker(engine: Engine): Worker & { wake: () => void } {
  const { lists, batchMax, batchesMax, lockMs, take, onError } = engine
  const inHand = new Set<Promise<void>>()
  let stopped = false
  let woken = false
  let wakeUp: (() => void) | undefined
  const wake = () => {
    woken = true
    wakeUp?.()
  }
  const pause = async (waitMs: number) => {
    if (woken || stopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    wakeUp = undefined
  }
  const handOut = createHandOut(engine, inHand, wake)
  const round = async () => {
    if (inHand.size >= batchesMax) {
      await pause(IDLE_MS_MAX)
      woken = false
      return
    }
    woken = false
    try {
      const taken = await take(lists, batchMax, lockMs)
      if (taken.records.length === 0) await pause(taken.waitMs)
      else await handOut(taken)
    } catch (error) {
      onError(error)
      await pause(FAILED_MS)
    }
  }
  const loop = async () => {
    while (!stopped) await round()
  }
  const looping = loop()
  return {
    wake,
    stop: async () => {
      stopped = true
      wake()
      await looping
      await Promise.all(inHand)
    },
  }
}

/** Gives what hands out the messages that were taken: in company, or one by one when suspect. */
function createHandOut(engine: Engine, inHand: Set<Promise<void>>, wake: () => void) {
  const { lists, run, onPoison, postpone, unlist, onError } = engine
  /** What is in hand, by id and epoch: a lock that ran out meanwhile must not give it to us twice. */
  const held = new Map<Hash, number>()
  const work = async (records: readonly MessageRecord[]) => {
    for (const { id, epoch } of records) held.set(id, epoch)
    try {
      await run(records)
    } catch (error) {
      onError(error)
      await postpone(records, FAILED_MS).catch(onError)
    } finally {
      for (const { id, epoch } of records) if (held.get(id) === epoch) held.delete(id)
    }
  }
  return async ({ records }: Taken): Promise<void> => {
    const mine = ({ record }: { record: MessageRecord }) => lists.includes(listOf(record) ?? '')
    await unlist(records.filter((one) => !mine(one)).map(({ record }) => record.id))
    const fresh = records.filter((one) => mine(one) && held.get(one.record.id) !== one.record.epoch)
    const ordinary = fresh.filter(({ tries }) => tries < SUSPECT_TRIES)
    // Processes died while they had these: each goes by itself, so that only the guilty is blamed.
    for (const { record, tries } of fresh.filter((one) => one.tries >= SUSPECT_TRIES)) {
      await Promise.all(inHand)
      await (tries >= POISON_TRIES ? onPoison(record) : work([record]))
    }
    if (ordinary.length === 0) return
    const batch = work(ordinary.map(({ record }) => record)).finally(() => {
      inHand.delete(batch)
      wake()
    })
    inHand.add(batch)
  }
}
