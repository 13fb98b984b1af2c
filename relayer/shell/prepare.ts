import type { Redis } from 'ioredis'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { MESSAGE_CLASSES } from '../core/class.ts'
import { finalityOf } from '../core/finality.ts'
import type { MessageRecord, Reason } from '../core/stages.ts'
import type { Chain } from './chains.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Faultpoint } from './faults.ts'
import type { Heads } from './heads.ts'
import type { RedisKeys } from './keys.ts'
import type { Metrics } from './metrics.ts'
import { prepareQueue, type Queues, type Stoppable, type WakeUp } from './queues.ts'
import type { Records } from './records.ts'
import type { Resolver } from './resolver.ts'
import { RpcError } from './rpc.ts'
import { isDelivered, noteDelivered } from './submit.ts'

/** What the preparing of messages for one destination works with. */
export type PrepareContext = {
  chain: Chain
  chains: ReadonlyMap<number, Chain>
  heads: ReadonlyMap<number, Heads>
  redis: Redis
  keys: RedisKeys
  records: Records
  queues: Queues
  resolver: Resolver
  checkpoints: Checkpoints
  metrics: Metrics
  faultpoint: Faultpoint
  onError: (error: unknown) => void
}

const CONCURRENCY = 64
/** How long a message that is not ready waits before it is looked at again, in milliseconds. */
const RECHECK_MS = { first: 100, max: 10_000, perMissingBlock: 200 }
const WAITING_MAX = 10_000

/** Starts the workers that bring messages for a destination to readiness. */
export function startPreparing(context: PrepareContext): Stoppable {
  const { chain, queues, checkpoints, onError } = context
  // Messages whose signatures are missing: a checkpoint that arrives wakes them at once.
  const waiting = new Map<Hash, MessageRecord>()
  checkpoints.onSigned((messageId) => {
    const record = waiting.get(messageId)
    if (record === undefined) return
    waiting.delete(messageId)
    queues.wake('prepare', record).catch(onError)
  })
  const run = async ({ messageId, epoch }: WakeUp) => {
    const record = await context.records.load(messageId)
    if (record === undefined || record.epoch !== epoch) return
    try {
      await prepare(context, record, waiting)
    } catch (error) {
      onError(error)
      await queues.wake('prepare', record, 500)
    }
  }
  const workers = MESSAGE_CLASSES.map((messageClass) => {
    const critical = messageClass === 'liquidation' || messageClass === 'margin-call'
    const options = { concurrency: CONCURRENCY, critical }
    return queues.work(prepareQueue(chain.chainId, messageClass), options, run)
  })
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
    },
  }
}

async function prepare(
  context: PrepareContext,
  record: MessageRecord,
  waiting: Map<Hash, MessageRecord>,
): Promise<void> {
  const { chain, chains, heads, redis, keys, records, queues, resolver, metrics, faultpoint } =
    context
  const { stage, id } = record
  if (stage !== 'seen' && stage !== 'awaiting_finality' && stage !== 'awaiting_signatures') return
  const origin = chains.get(record.origin)
  if (origin === undefined) return
  const [delivered, leaf] = await Promise.all([
    isDelivered({ chain }, id),
    redis.hget(keys.leaves(record.origin), id),
  ])
  if (delivered) return await noteDelivered({ records, queues, metrics, chain }, record)

  const headNumber = heads.get(record.origin)?.latest()?.number ?? -1
  const finality = finalityOf({ blockNumber: record.position.blockNumber, headNumber }, origin)
  if (!finality.final) {
    const text = `${finality.missingBlocks} more blocks on ${origin.name}`
    const waitMs = Math.min(finality.missingBlocks * RECHECK_MS.perMissingBlock, RECHECK_MS.max)
    const reason = { code: 'not_final', text }
    await waitFor(context, record, { type: 'not_final', reason }, waitMs)
    return
  }

  const leafIndex = leaf === null ? undefined : Number(leaf)
  const built = await resolver
    .resolve({ record, origin, destination: chain, leafIndex })
    .catch((error: unknown) => {
      if (!(error instanceof RpcError)) throw error
      const text = `the security module did not answer: ${error.rpcMessage}`
      return { status: 'not_ready', code: 'ism_reverts', text } as const
    })
  const labels = { origin: origin.name, remote: chain.name, status: built.status }
  metrics.metadataBuilds.inc(labels)
  if (built.status === 'ok') {
    const { metadata } = built
    const prepared = await records.apply(record, { type: 'metadata_built', metadata })
    if (prepared.status !== 'ok') return
    faultpoint('prepared')
    return await queues.wake('submit', prepared.record)
  }
  const reason = { code: built.code, text: built.text }
  const held = await waitFor(context, record, { type: 'not_signed', reason })
  if (held !== undefined) remember(waiting, held)
}

/** Writes down why a message waits, if that is news, and looks again later: the longer the rarer. */
async function waitFor(
  { records, queues }: PrepareContext,
  record: MessageRecord,
  event: { type: 'not_final' | 'not_signed'; reason: Reason },
  givenWaitMs?: number,
): Promise<MessageRecord | undefined> {
  const ageMs = (await records.ageMs(record.id)) ?? 0
  const waitMs = givenWaitMs ?? Math.min(Math.max(ageMs / 2, RECHECK_MS.first), RECHECK_MS.max)
  const stage = event.type === 'not_final' ? 'awaiting_finality' : 'awaiting_signatures'
  const same = record.stage === stage && record.reason?.text === event.reason.text
  const dueMs = waitMs + 5_000
  const noted = same
    ? ({ status: 'ok', record } as const)
    : await records.apply(record, event, { dueMs })
  if (noted.status !== 'ok') return undefined
  if (same) await records.postpone(stage, record.id, dueMs)
  await queues.wake('prepare', noted.record, waitMs)
  return noted.record
}

function remember(waiting: Map<Hash, MessageRecord>, record: MessageRecord): void {
  waiting.delete(record.id)
  waiting.set(record.id, record)
  const [oldest] = waiting.keys()
  if (waiting.size > WAITING_MAX && oldest !== undefined) waiting.delete(oldest)
}
