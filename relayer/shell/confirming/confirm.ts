import { mailboxAbi } from '../../../sdk/abi/hyperlane.ts'
import type { SignerLane } from '../../core/class.ts'
import { deliveryStage } from '../../core/finality.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { confirmList } from '../../core/work.ts'
import { readContract, type Chain } from '../chains/chains.ts'
import type { Heads } from '../chains/heads.ts'
import type { LedgerStore } from '../redis/ledger-store.ts'
import type { Records } from '../redis/records.ts'
import type { Work, Worker } from '../redis/work.ts'

/** What the confirming of deliveries on one destination works with. */
export type ConfirmContext = {
  chain: Chain
  heads: Heads
  records: Records
  work: Work
  ledgers: ReadonlyMap<SignerLane, LedgerStore>
  onError: (error: unknown) => void
}

const BATCH_MAX = 128
const BATCHES_MAX = 2
const LOCK_MS = 5_000
const RECHECK_MS = { perBlock: 500, max: 10_000, gone: 1_000, failed: 500 }

/** Starts the worker that follows deliveries on a destination until they are final. */
export function startConfirming(context: ConfirmContext): Worker {
  const { chain, work } = context
  return work.start({
    lists: [confirmList(chain.chainId)],
    batchMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
    lockMs: LOCK_MS,
    run: (batch) => confirmMany(context, batch),
    onPoison: (record) => work.postpone([record], RECHECK_MS.max),
  })
}

async function confirmMany(
  context: ConfirmContext,
  batch: readonly MessageRecord[],
): Promise<void> {
  const { chain, records, work, onError } = context
  // A chain that never goes back has nothing to be asked.
  if (chain.reorgPeriod === 0) {
    const done = await records.applyMany(batch, { type: 'final' })
    const others = batch.filter(({ stage }) => stage === 'delivered_by_other')
    await Promise.all(others.map((record) => work.rest(record)))
    if (done.status === 'ok') return
  }
  await Promise.all(
    batch.map(async (record) => {
      try {
        await confirm(context, record)
      } catch (error) {
        onError(error)
        await work.postpone([record], RECHECK_MS.failed)
      }
    }),
  )
}

async function confirm(context: ConfirmContext, record: MessageRecord): Promise<void> {
  const { chain, heads, records, work } = context
  const { stage, id } = record
  const { rpc, mailbox: address } = chain
  const request = { address, abi: mailboxAbi, functionName: 'processedAt', args: [id] } as const
  const blockNumber = await readContract(rpc, request)
  if (blockNumber === 0) return await deliveryGone(context, record)

  const headNumber = heads.latest()?.number ?? 0
  const reached = deliveryStage({ blockNumber, headNumber }, chain)
  if (reached === 'final') {
    if (stage === 'delivered_by_other') await work.rest(record)
    else await records.apply(record, { type: 'final' })
    return
  }
  const missing = blockNumber + chain.reorgPeriod - headNumber
  const delayMs = Math.min(missing * RECHECK_MS.perBlock, RECHECK_MS.max)
  if (reached === 'safe' && stage === 'included') {
    await records.apply(record, { type: 'safe' }, { delayMs })
  } else {
    await work.postpone([record], delayMs)
  }
}

/** The destination took a delivery back: our transaction goes out again by itself, else a new one. */
async function deliveryGone(context: ConfirmContext, record: MessageRecord): Promise<void> {
  const { records, work, ledgers } = context
  const { submission } = record
  if (submission !== undefined) {
    const kept = await ledgers.get(submission.lane)?.holds(submission.nonce, submission.txUuid)
    if (kept === true) return await work.postpone([record], RECHECK_MS.gone)
  }
  const reason = { code: 'delivery_reorged', text: 'the block of its delivery is gone' }
  await records.apply(record, { type: 'requeued', reason, failed: false })
}
