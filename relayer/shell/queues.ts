import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { laneOfClass, MESSAGE_CLASSES, SIGNER_LANES, type SignerLane } from '../core/class.ts'
import type { MessageRecord } from '../core/stages.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'

/** What a job carries: a wake-up. Everything else is in the message's record. */
export type WakeUp = { messageId: Hash; stage: WorkStage; epoch: number }

/** Stages of work that have queues. */
export type WorkStage = 'prepare' | 'submit' | 'confirm'

/** The relayer's queues: losing all of them loses nothing, because the janitor makes new jobs. */
export type Queues = {
  /** Asks for a record to be worked on, now or later; a job for an older epoch does nothing. */
  wake: (stage: WorkStage, record: MessageRecord, delayMs?: number) => Promise<void>
  wakeMany: (stage: WorkStage, records: readonly MessageRecord[]) => Promise<void>
  /** Starts a worker on a queue; gives the way to stop it. */
  work: (name: string, options: WorkOptions, run: (job: WakeUp) => Promise<void>) => Stoppable
  /** Jobs that wait, run or are delayed, per queue. */
  lengths: () => Promise<ReadonlyMap<string, number>>
  close: () => Promise<void>
}

/** Something that runs until it is stopped. */
export type Stoppable = { stop: () => Promise<void> }

/** How a worker takes jobs. */
export type WorkOptions = { concurrency: number; critical: boolean }

/** Names the queue that a stage of a record's work is in. */
export function queueName(stage: WorkStage, record: MessageRecord): string {
  if (stage === 'prepare') return prepareQueue(record.destination, record.class)
  if (stage === 'confirm') return confirmQueue(record.destination)
  return submitQueue(record.destination, laneOfClass(record.class))
}

/** Names the queue of messages of one class on their way to a destination. */
export const prepareQueue = (chainId: number, messageClass: MessageRecord['class']): string =>
  `prepare.${chainId}.${messageClass}`

/** Names the queue of a destination's signer lane. */
export const submitQueue = (chainId: number, lane: SignerLane): string =>
  `submit.${chainId}.${lane}`

/** Names the queue of a destination's deliveries that are not final. */
export const confirmQueue = (chainId: number): string => `confirm.${chainId}`

/** Opens the queues of a set of destinations. */
export function openQueues(options: {
  connection: Redis
  prefix: string
  destinations: readonly number[]
  onError: (error: unknown) => void
}): Queues {
  const { connection, prefix, destinations, onError } = options
  const queues = new Map<string, Queue>()
  for (const chainId of destinations) {
    const names = [
      ...MESSAGE_CLASSES.map((messageClass) => prepareQueue(chainId, messageClass)),
      ...SIGNER_LANES.map((lane) => submitQueue(chainId, lane)),
      confirmQueue(chainId),
    ]
    for (const name of names) {
      const queue = new Queue(name, { connection, prefix, skipVersionCheck: true })
      queue.on('error', onError)
      queues.set(name, queue)
    }
  }

  const jobOf = (stage: WorkStage, record: MessageRecord, delayMs: number) => ({
    name: stage,
    data: { messageId: record.id, stage, epoch: record.epoch } satisfies WakeUp,
    opts: { delay: delayMs, attempts: 1, removeOnComplete: true, removeOnFail: true },
  })
  const wakeMany: Queues['wakeMany'] = async (stage, records) => {
    const byQueue = Map.groupBy(records, (record) => queueName(stage, record))
    const adding = [...byQueue].map(async ([name, ones]) => {
      await queues.get(name)?.addBulk(ones.map((record) => jobOf(stage, record, 0)))
    })
    await Promise.all(adding)
  }
  const wake: Queues['wake'] = async (stage, record, delayMs = 0) => {
    const { name, data, opts } = jobOf(stage, record, Math.ceil(delayMs))
    await queues.get(queueName(stage, record))?.add(name, data, opts)
  }

  const work: Queues['work'] = (name, { concurrency, critical }, run) => {
    const worker = new Worker<WakeUp>(name, (job) => run(job.data), {
      connection,
      prefix,
      concurrency,
      // A process that died gives its jobs back within lock plus stalled interval.
      lockDuration: critical ? 2_000 : 5_000,
      stalledInterval: critical ? 1_000 : 2_000,
      // Jobs are wake-ups: one that was cut short may be tried for as long as it takes.
      maxStalledCount: 1_000_000,
      skipVersionCheck: true,
    })
    worker.on('error', onError)
    worker.on('failed', (_job, error) => onError(error))
    return { stop: () => worker.close(true) }
  }
  const lengths = async () => {
    const entries = [...queues].map(async ([name, queue]) => {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed')
      const length = Object.values(counts).reduce((sum, count) => sum + count, 0)
      return [name, length] as const
    })
    return new Map(await Promise.all(entries))
  }
  const close = async () => {
    await Promise.all([...queues.values()].map((queue) => queue.close()))
  }
  return { wake, wakeMany, work, lengths, close }
}
