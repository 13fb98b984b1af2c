import { mailboxAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { readContract, type Chain } from './chains.ts'
import type { Metrics } from '../operating/metrics.ts'
import type { Records } from '../redis/records.ts'
import type { Work } from '../redis/work.ts'

/** Says which of these messages took effect on a destination; the questions travel as one request. */
export async function deliveredAmong(
  { rpc, mailbox: address }: Chain,
  ids: readonly Hash[],
): Promise<ReadonlySet<Hash>> {
  const answers = await Promise.all(
    ids.map((id) =>
      readContract(rpc, { address, abi: mailboxAbi, functionName: 'delivered', args: [id] }),
    ),
  )
  return new Set(ids.filter((_, i) => answers[i]))
}

/** Notes that a message took effect through someone else's transaction. */
export async function noteDelivered(
  context: { records: Records; work: Work; metrics: Metrics; chain: Chain },
  record: MessageRecord,
): Promise<void> {
  const { records, work, metrics, chain } = context
  const applied = await records.apply(record, { type: 'delivered_by_other' }, { delayMs: 1_000 })
  if (applied.status !== 'ok') return
  metrics.operations.inc({ phase: 'delivered_by_other', chain: chain.name })
  if (chain.reorgPeriod === 0) await work.rest(applied.record)
}
