import type { Redis } from 'ioredis'
import type { Logger } from '../../../sdk/process/log.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { classOf, laneOfClass, type ClassTrust } from '../../core/class.ts'
import { decodeMessage, MessageFormatError, messageIdOf } from '../../core/message.ts'
import { RECORD_VERSION, type MessageRecord, type OriginPosition } from '../../core/stages.ts'
import type { Chain } from '../chains/chains.ts'
import type { Fence } from '../redis/commit.ts'
import type { RedisKeys } from '../redis/keys.ts'
import type { OriginLogs } from '../chains/logs.ts'
import type { Metrics } from '../operating/metrics.ts'
import { notePayments } from './payments.ts'
import type { Records } from '../redis/records.ts'
import type { Faultpoint } from '../faults.ts'

/** Turns what an origin logged into records and wakes those who work on them. */
export type Intake = {
  /** Takes logs, any number of times; gives the nonces of the dispatches in them. */
  take: (logs: OriginLogs, fence: Fence) => Promise<readonly number[]>
  /** Marks what was found above a block as gone with its block; gives those records. */
  orphan: (blockNumber: number, fence: Fence) => Promise<readonly MessageRecord[]>
  /** What of the logs is critical. */
  urgent: (logs: OriginLogs) => OriginLogs
  /** Forgets what was taken before, because Redis did. */
  forget: () => void
}

/** What {@link createIntake} needs. */
export type IntakeContext = {
  chain: Chain
  destinations: ReadonlySet<number>
  trust: ClassTrust
  redis: Redis
  keys: RedisKeys
  records: Records
  metrics: Metrics
  log: Logger
  faultpoint: Faultpoint
}

type Dispatch = { raw: Hex; position: OriginPosition }

const TAKEN_MAX = 20_000
const BATCH_MAX = 256

/** Makes the intake of an origin. */
export function createIntake(context: IntakeContext): Intake {
  const { chain, redis, keys, records, faultpoint } = context
  // The overlap of searches shows each message again and again; only news needs Redis.
  const taken = new Map<string, true>()

  const take: Intake['take'] = async ({ dispatches, leaves, payments }, fence) => {
    await notePayments(redis, keys, { chainId: chain.chainId, payments })
    const news = leaves.filter(
      ({ messageId, blockHash }) => !taken.has(`${messageId}:${blockHash}`),
    )
    if (news.length > 0) {
      const pairs = news.flatMap(({ messageId, index }) => [messageId, `${index}`])
      await redis.hset(keys.leaves(chain.chainId), ...pairs)
    }
    const nonces: number[] = []
    for (let start = 0; start < dispatches.length; start += BATCH_MAX) {
      const batch = dispatches.slice(start, start + BATCH_MAX)
      const stored = await Promise.all(
        batch.map(async (dispatch) => {
          nonces.push(nonceOf(dispatch.raw))
          const key = `${messageIdOf(dispatch.raw)}:${dispatch.position.blockHash}`
          if (taken.has(key)) return undefined
          const record = await store(context, dispatch, fence)
          taken.set(key, true)
          return record
        }),
      )
      const fresh = stored.filter((record) => record !== undefined)
      if (fresh.length > 0) faultpoint('indexed')
    }
    for (const key of taken.keys()) {
      if (taken.size <= TAKEN_MAX) break
      taken.delete(key)
    }
    return nonces
  }
  const orphan: Intake['orphan'] = async (blockNumber, fence) => {
    taken.clear()
    const key = keys.blocks(chain.chainId)
    const ids = (await redis.zrange(key, `(${blockNumber}`, '+inf', 'BYSCORE')) as Hash[]
    const found = await records.loadMany(ids)
    const text = `its block is above ${blockNumber}, where ${chain.name} went another way`
    const event = { type: 'orphaned', reason: { code: 'reorg', text } } as const
    await Promise.all(found.map((record) => records.apply(record, event, { fence })))
    return found
  }
  const urgent: Intake['urgent'] = ({ dispatches, leaves }) => {
    const critical = dispatches.filter(({ raw }) => isCritical(context, raw))
    const ids = new Set(critical.map(({ raw }) => messageIdOf(raw)))
    const theirs = leaves.filter(({ messageId }) => ids.has(messageId))
    return { dispatches: critical, leaves: theirs, payments: [] }
  }
  return { take, orphan, urgent, forget: () => taken.clear() }
}

function isCritical({ trust }: IntakeContext, raw: Hex): boolean {
  try {
    return laneOfClass(classOf(decodeMessage(raw), trust)) === 'critical'
  } catch (error) {
    if (!(error instanceof MessageFormatError)) throw error
    return false
  }
}

/** Writes a dispatch down; gives its record when there is work to do on it. */
async function store(
  context: IntakeContext,
  { raw, position }: Dispatch,
  fence: Fence,
): Promise<MessageRecord | undefined> {
  const { chain, keys, records, destinations } = context
  const record = recordOf(context, { raw, position })
  if (record === undefined) return undefined
  const writes = [
    ['ZADD', keys.blocks(chain.chainId), `${position.blockNumber}`, record.id] as const,
  ]
  const created = await records.create(record, { fence, writes })
  const current = created.status === 'ok' ? created.record : await seenAgain(context, record, fence)
  if (current === undefined || destinations.has(current.destination)) return current
  const text = `domain ${current.destination} is not in the network`
  await records.apply(current, { type: 'filtered', reason: { code: 'destination_unknown', text } })
  return undefined
}

/** A dispatch that has a record: it needs work only when a reorganisation moved it. */
async function seenAgain(
  { chain, keys, records }: IntakeContext,
  { id, position }: MessageRecord,
  fence: Fence,
): Promise<MessageRecord | undefined> {
  const known = await records.load(id)
  if (known === undefined) return undefined
  if (known.stage !== 'orphaned' && known.position.blockHash === position.blockHash)
    return undefined
  const writes = [['ZADD', keys.blocks(chain.chainId), `${position.blockNumber}`, id] as const]
  const moved = await records.apply(known, { type: 'seen_again', position }, { fence, writes })
  return moved.status === 'ok' ? moved.record : undefined
}

function recordOf(
  { chain, trust, metrics, log }: IntakeContext,
  { raw, position }: Dispatch,
): MessageRecord | undefined {
  try {
    const message = decodeMessage(raw)
    const { nonce, origin, destination, sender, recipient } = message
    return {
      version: RECORD_VERSION,
      id: messageIdOf(raw),
      raw,
      origin,
      destination,
      nonce,
      sender,
      recipient,
      class: classOf(message, trust),
      stage: 'seen',
      epoch: 0,
      position,
      attempts: 0,
    }
  } catch (error) {
    if (!(error instanceof MessageFormatError)) throw error
    metrics.unreadable.inc({ chain: chain.name })
    log.warn({ chain: chain.name, ...position, err: error }, 'dispatch is no message')
    return undefined
  }
}

/** Nonce of a dispatch, also of one that is not relayed: it counts in the sequence. */
function nonceOf(raw: Hex): number {
  return Number.parseInt(raw.slice(4, 12), 16)
}
