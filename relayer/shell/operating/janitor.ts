import type { Redis } from 'ioredis'
import type { Logger } from '../../../sdk/process/log.ts'
import type { SignerLane } from '../../core/class.ts'
import { STAGES, type MessageRecord, type Stage } from '../../core/stages.ts'
import { listOf, workOfStage } from '../../core/work.ts'
import type { RedisKeys } from '../redis/keys.ts'
import { holdLease } from '../redis/lease.ts'
import type { LedgerStore } from '../redis/ledger-store.ts'
import type { Metrics } from './metrics.ts'
import { redisTimeMs, type Records } from '../redis/records.ts'

/** What the janitor works with. */
export type JanitorContext = {
  redis: Redis
  keys: RedisKeys
  records: Records
  /** The ledger of a destination's signer lane. */
  ledgerOf: (chainId: number, lane: SignerLane) => LedgerStore | undefined
  metrics: Metrics
  log: Logger
  /** Finished messages that are kept, per stage. */
  keep: number
}

const ROUND_MS = 1_000
const LEASE_TTL_MS = 3_000
const BATCH = 1_000
/** Milliseconds in a stage after which a message is looked at. */
const AGE_MS = { listed: 5_000, submitted: 10_000 }

/** Starts the janitor: it lists again what got lost from a list, and forgets what is finished. */
export function startJanitor(context: JanitorContext): { stop: () => Promise<void> } {
  const { redis, keys, metrics, log } = context
  const lease = holdLease({ redis, keys, name: 'janitor', ttlMs: LEASE_TTL_MS })
  const places = new Map<Stage, number>()
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const round = async () => {
    try {
      if (lease.fence() !== undefined) await sweep(context, places)
    } catch (error) {
      metrics.failures.inc({ part: 'janitor' })
      log.debug({ err: error }, 'sweep failed')
    }
    if (!stopped) timer = setTimeout(() => void round(), ROUND_MS)
  }
  void round()
  return {
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await lease.stop()
    },
  }
}

async function sweep(context: JanitorContext, places: Map<Stage, number>): Promise<void> {
  const { records, keep, metrics } = context
  for (const stage of STAGES) {
    // Deliveries by others leave their list when they are final, and their stage never.
    if (workOfStage(stage) === undefined || stage === 'delivered_by_other') continue
    await listAgain(context, await nextPage(context, places, stage, AGE_MS.listed))
  }
  for (const stage of ['reserved', 'signed', 'broadcast'] as const) {
    const page = await nextPage(context, places, stage, AGE_MS.submitted)
    for (const record of page) await rescue(context, record)
  }
  const ends = ['final', 'delivered_by_other', 'orphaned', 'filtered', 'dropped'] as const
  for (const stage of ends) await records.trim(stage, keep)
  for (const [stage, count] of await records.counts()) metrics.stages.set({ stage }, count)
  const nowMs = await redisTimeMs(context.redis)
  for (const stage of STAGES) {
    const sinceMs = workOfStage(stage) === undefined ? undefined : await records.oldestMs(stage)
    metrics.oldest.set({ stage }, sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs) / 1_000)
  }
}

/** Messages that came to a stage some time ago, the next part of them at each call. */
async function nextPage(
  { records }: JanitorContext,
  places: Map<Stage, number>,
  stage: Stage,
  ageMs: number,
): Promise<readonly MessageRecord[]> {
  const offset = places.get(stage) ?? 0
  const ids = await records.older(stage, { ageMs, offset, limit: BATCH })
  places.set(stage, ids.length < BATCH ? 0 : offset + BATCH)
  return await records.loadMany(ids)
}

/** Puts messages on their lists where they are missing there. */
async function listAgain(
  { redis, keys, metrics }: JanitorContext,
  page: readonly MessageRecord[],
): Promise<void> {
  const added = await Promise.all(
    page.map(async (record) => {
      const list = listOf(record)
      return list === undefined ? 0 : await redis.zadd(keys.work(list), 'NX', 0, record.id)
    }),
  )
  const count = added.reduce((sum, one) => sum + Number(one), 0)
  if (count > 0) metrics.relisted.inc(count)
}

/** A message whose transaction the ledger does not know starts anew; the others are the lane's. */
async function rescue({ records, ledgerOf }: JanitorContext, record: MessageRecord): Promise<void> {
  const { submission, destination } = record
  const store = submission && ledgerOf(destination, submission.lane)
  const kept = submission && (await store?.holds(submission.nonce, submission.txUuid))
  if (kept === true) return
  const reason = { code: 'ledger_lost', text: 'the nonce ledger does not know its transaction' }
  await records.apply(record, { type: 'requeued', reason, failed: false })
}
