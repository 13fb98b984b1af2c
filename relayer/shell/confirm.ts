import { mailboxAbi } from '../../sdk/abi/hyperlane.ts'
import { deliveryStage } from '../core/finality.ts'
import type { MessageRecord } from '../core/stages.ts'
import { readContract, type Chain } from './chains.ts'
import type { Heads } from './heads.ts'
import type { SignerLane } from '../core/class.ts'
import type { LedgerStore } from './ledger-store.ts'
import { confirmQueue, type Queues, type Stoppable } from './queues.ts'
import type { Records } from './records.ts'

/** What the confirming of deliveries on one destination works with. */
export type ConfirmContext = {
  chain: Chain
  heads: Heads
  records: Records
  queues: Queues
  ledgers: ReadonlyMap<SignerLane, LedgerStore>
  onError: (error: unknown) => void
}

const CONCURRENCY = 128
const RECHECK_MS = { perBlock: 500, max: 10_000, gone: 1_000 }

/** Starts the worker that follows deliveries on a destination until they are final. */
export function startConfirming(context: ConfirmContext): Stoppable {
  const { chain, records, queues, onError } = context
  const options = { concurrency: CONCURRENCY, critical: false }
  return queues.work(confirmQueue(chain.chainId), options, async ({ messageId, epoch }) => {
    const record = await records.load(messageId)
    if (record === undefined || record.epoch !== epoch) return
    try {
      await confirm(context, record)
    } catch (error) {
      onError(error)
      await queues.wake('confirm', record, 500)
    }
  })
}

async function confirm(context: ConfirmContext, record: MessageRecord): Promise<void> {
  const { chain, heads, records, queues } = context
  const { stage, id } = record
  if (stage !== 'included' && stage !== 'safe' && stage !== 'delivered_by_other') return
  const { rpc, mailbox: address } = chain
  const request = { address, abi: mailboxAbi, functionName: 'processedAt', args: [id] } as const
  const blockNumber = await readContract(rpc, request)
  if (blockNumber === 0) return await deliveryGone(context, record)

  const headNumber = heads.latest()?.number ?? 0
  const reached = deliveryStage({ blockNumber, headNumber }, chain)
  if (reached === 'final') {
    if (stage !== 'delivered_by_other') await records.apply(record, { type: 'final' })
    return
  }
  const missing = blockNumber + chain.reorgPeriod - headNumber
  const waitMs = Math.min(missing * RECHECK_MS.perBlock, RECHECK_MS.max)
  const risen =
    reached === 'safe' && stage === 'included'
      ? await records.apply(record, { type: 'safe' }, { dueMs: waitMs + 5_000 })
      : ({ status: 'ok', record } as const)
  if (risen.status !== 'ok') return
  await records.postpone(risen.record.stage, id, waitMs + 5_000)
  await queues.wake('confirm', risen.record, waitMs)
}

/** The destination took a delivery back: our transaction goes out again by itself, else a new one. */
async function deliveryGone(context: ConfirmContext, record: MessageRecord): Promise<void> {
  const { records, queues, ledgers } = context
  const { submission } = record
  if (submission !== undefined) {
    const kept = await ledgers.get(submission.lane)?.holds(submission.nonce, submission.txUuid)
    if (kept === true) return await queues.wake('confirm', record, RECHECK_MS.gone)
  }
  const reason = { code: 'delivery_reorged', text: 'the block of its delivery is gone' }
  const again = await records.apply(record, { type: 'requeued', reason, failed: false })
  if (again.status === 'ok') await queues.wake('prepare', again.record)
}
