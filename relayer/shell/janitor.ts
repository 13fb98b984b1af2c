import type { Redis } from 'ioredis'
import type { SignerLane } from '../core/class.ts'
import type { MessageRecord, Stage } from '../core/stages.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { RedisKeys } from './keys.ts'
import { holdLease } from './lease.ts'
import type { LedgerStore } from './ledger-store.ts'
import type { Metrics } from './metrics.ts'
import type { Queues, Stoppable, WorkStage } from './queues.ts'
import type { Records } from './records.ts'

/** What the janitor works with. */
export type JanitorContext = {
  redis: Redis
  keys: RedisKeys
  records: Records
  queues: Queues
  /** The ledger of a destination's signer lane. */
  ledgerOf: (chainId: number, lane: SignerLane) => LedgerStore | undefined
  metrics: Metrics
  log: Logger
  /** Finished messages that are kept, per stage. */
  keep: number
}

const ROUND_MS = 1_000
const LEASE_TTL_MS = 3_000
const BATCH = 500
const NEXT_LOOK_MS = 5_000

const WORK: Readonly<Partial<Record<Stage, WorkStage>>> = {
  seen: 'prepare',
  awaiting_finality: 'prepare',
  awaiting_signatures: 'prepare',
  prepared: 'submit',
  included: 'confirm',
  safe: 'confirm',
}

/** Starts the janitor: it makes the jobs that got lost, and forgets what is finished. */
export function startJanitor(context: JanitorContext): Stoppable {
  const { redis, keys, metrics, log } = context
  const lease = holdLease({ redis, keys, name: 'janitor', ttlMs: LEASE_TTL_MS })
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const round = async () => {
    try {
      if (lease.fence() !== undefined) await sweep(context)
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

async function sweep(context: JanitorContext): Promise<void> {
  const { records, queues, keep, metrics } = context
  for (const [stage, work] of Object.entries(WORK) as [Stage, WorkStage][]) {
    const overdue = await records.loadMany(await records.due(stage, BATCH))
    await Promise.all(overdue.map(({ id }) => records.postpone(stage, id, NEXT_LOOK_MS)))
    await queues.wakeMany(work, overdue)
  }
  for (const stage of ['reserved', 'signed', 'broadcast'] as const) {
    for (const record of await records.loadMany(await records.due(stage, BATCH))) {
      await rescue(context, record)
    }
  }
  for (const stage of ['final', 'delivered_by_other', 'orphaned', 'filtered'] as const) {
    await records.trim(stage, keep)
  }
  for (const [stage, count] of await records.counts()) metrics.stages.set({ stage }, count)
}

/** A message whose transaction the ledger does not know starts anew; the others are the lane's. */
async function rescue(
  { records, queues, ledgerOf }: JanitorContext,
  record: MessageRecord,
): Promise<void> {
  const { submission, destination, stage, id } = record
  const store = submission && ledgerOf(destination, submission.lane)
  const kept = submission && (await store?.holds(submission.nonce, submission.txUuid))
  if (kept === true) return await records.postpone(stage, id, NEXT_LOOK_MS)
  const reason = { code: 'ledger_lost', text: 'the nonce ledger does not know its transaction' }
  const again = await records.apply(record, { type: 'requeued', reason, failed: false })
  if (again.status === 'ok') await queues.wake('prepare', again.record)
}
