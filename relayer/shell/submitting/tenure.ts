import type { Logger } from '../../../sdk/process/log.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import type { BatchLimits } from '../../core/batch.ts'
import type { SignerLane } from '../../core/class.ts'
import type { FeePolicy } from '../../core/fees.ts'
import type { LedgerEntry, LedgerPolicy, NonceLedger, SignerView } from '../../core/nonce-ledger.ts'
import type { MessageEvent, MessageRecord } from '../../core/stages.ts'
import type { Redis } from 'ioredis'
import type { Chain } from '../chains/chains.ts'
import type { Checkpoints } from '../metadata/checkpoints.ts'
import type { Controls } from '../operating/controls.ts'
import type { RedisKeys } from '../redis/keys.ts'
import type { Fence, Write } from '../redis/commit.ts'
import type { Faultpoint } from '../faults.ts'
import type { Heads } from '../chains/heads.ts'
import type { LedgerStore } from '../redis/ledger-store.ts'
import type { Metrics } from '../operating/metrics.ts'
import type { Records } from '../redis/records.ts'
import type { Signer } from './signer.ts'
import type { Work } from '../redis/work.ts'

/** What the submitter of one signer lane of one destination works with. */
export type LaneContext = {
  chain: Chain
  /** Every chain by its id. */
  chains: ReadonlyMap<number, Chain>
  checkpoints: Checkpoints
  lane: SignerLane
  signer: Signer
  heads: Heads
  store: LedgerStore
  records: Records
  work: Work
  controls: Controls
  redis: Redis
  keys: RedisKeys
  metrics: Metrics
  log: Logger
  faultpoint: Faultpoint
  ledgerPolicy: LedgerPolicy
  feePolicy: FeePolicy
  batchLimits: BatchLimits
  /** Tells the observer of a message that our transaction delivered. */
  onDelivered: (record: MessageRecord) => void
}

/** One stretch of time in which this process alone signs for a lane. */
export type Tenure = LaneContext & {
  fence: Fence
  /** What Redis holds, plus what is on its way there. */
  ledger: NonceLedger
  view: SignerView
  /** Nonces whose newest form has not been sent in this tenure. */
  unsent: Set<number>
  /** Since when (ms, monotonic) a used nonce is without any transaction of ours on chain. */
  misses: Map<number, number>
  /** Why transactions wait; undefined when they do not. */
  held: string | undefined
  ended: boolean
}

/** Asks the chain what it knows of the lane's signer. */
export async function readView(
  { chain, heads }: Pick<LaneContext, 'chain' | 'heads'>,
  signer: Address,
): Promise<SignerView> {
  const count = (tag: string) =>
    chain.rpc.call<string>('eth_getTransactionCount', [signer, tag]).then(Number)
  const [latest, pending] = await Promise.all([count('latest'), count('pending')])
  return {
    latest,
    // A node without a pool may answer less for pending than for latest.
    pending: Math.max(latest, pending),
    headNumber: heads.latest()?.number ?? 0,
  }
}

/**
 * Writes a ledger entry together with the same event of each message it carries.
 *
 * A message whose record moved on meanwhile (its origin went back, say) is left as it is: the nonce
 * must be accounted for whatever became of the message.
 *
 * @returns the records that took the event; undefined when the lane is no longer ours.
 */
export async function writeEntry(
  tenure: Tenure,
  entry: LedgerEntry,
  event: MessageEvent | ((record: MessageRecord) => MessageEvent),
): Promise<readonly MessageRecord[] | undefined> {
  return await applyToCarried(tenure, entry, event, { writes: [tenure.store.put(entry)] })
}

/** Tries that a change of records gets when others change them at the same time. */
const TRIES_MAX = 8

/**
 * Applies an event to each message that is on its way in an entry's transaction, and writes the given
 * writes with it, at once.
 *
 * @returns the records that took the event; undefined when the lane is no longer ours.
 */
export async function applyToCarried(
  tenure: Tenure,
  entry: LedgerEntry,
  event: MessageEvent | ((record: MessageRecord) => MessageEvent),
  { writes = [], delayMs = 0 }: { writes?: readonly Write[]; delayMs?: number },
): Promise<readonly MessageRecord[] | undefined> {
  const { records, fence, store } = tenure
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const found = await records.loadMany(entry.messageIds)
    const carried = found.filter((record) => record.submission?.txUuid === entry.txUuid)
    const applied = await records.applyMany(carried, event, { fence, writes, delayMs })
    if (applied.status === 'fenced') return lost(tenure)
    if (applied.status !== 'ok') continue
    if (applied.records.length > 0 || writes.length === 0) return applied.records
    return (await store.write(fence, writes)) === 'ok' ? [] : lost(tenure)
  }
  throw new ContentionError(entry.nonce)
}

/** Forgets an entry, and gives back the messages it carried. */
export async function dropEntry(
  tenure: Tenure,
  entry: LedgerEntry,
  event: MessageEvent | undefined,
  delayMs = 0,
): Promise<void> {
  const { store, fence, ledger, unsent, misses } = tenure
  const writes = [store.drop(entry.nonce)]
  if (event === undefined) {
    if ((await store.write(fence, writes)) !== 'ok') return lost(tenure)
  } else {
    const freed = await applyToCarried(tenure, entry, event, { writes, delayMs })
    if (freed === undefined) return
  }
  ledger.delete(entry.nonce)
  unsent.delete(entry.nonce)
  misses.delete(entry.nonce)
}

/** Notes that another process may sign for this lane now: nothing more is written or sent. */
export function lost(tenure: Tenure): undefined {
  tenure.ended = true
  tenure.log.warn({ lane: tenure.lane, chain: tenure.chain.name }, 'lease of the lane is lost')
}

/** Records of a transaction kept changing while it was written down. */
class ContentionError extends BaseError {
  override readonly name = 'ContentionError'

  constructor(nonce: number) {
    super('The records of a transaction kept changing.', {
      code: 'RECORDS_CONTENDED',
      retryable: true,
      metaMessages: [`nonce: ${nonce}; tries: ${TRIES_MAX}`],
    })
  }
}
