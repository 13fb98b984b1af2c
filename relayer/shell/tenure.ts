import type { Logger } from '../../sdk/process/log.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import type { SignerLane } from '../core/class.ts'
import type { FeePolicy } from '../core/fees.ts'
import type { LedgerEntry, LedgerPolicy, NonceLedger, SignerView } from '../core/nonce-ledger.ts'
import type { MessageEvent, MessageRecord } from '../core/stages.ts'
import type { Chain } from './chains.ts'
import type { Fence, Write } from './commit.ts'
import type { Faultpoint } from './faults.ts'
import type { Heads } from './heads.ts'
import type { LedgerStore } from './ledger-store.ts'
import type { Metrics } from './metrics.ts'
import type { Queues } from './queues.ts'
import type { Records } from './records.ts'
import type { Signer } from './signer.ts'

/** What the submitter of one signer lane of one destination works with. */
export type LaneContext = {
  chain: Chain
  lane: SignerLane
  signer: Signer
  heads: Heads
  store: LedgerStore
  records: Records
  queues: Queues
  metrics: Metrics
  log: Logger
  faultpoint: Faultpoint
  ledgerPolicy: LedgerPolicy
  feePolicy: FeePolicy
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
  event: MessageEvent,
): Promise<readonly MessageRecord[] | undefined> {
  const { store, fence } = tenure
  const writes = [store.put(entry)]
  const changed = await applyToCarried(tenure, entry, event, writes)
  if (changed === undefined) return lost(tenure)
  if (changed.length === 0 && (await store.write(fence, writes)) !== 'ok') return lost(tenure)
  return changed
}

/** Tries that a change of a record gets when others change it at the same time. */
const TRIES_MAX = 5

/** Applies an event to each message that is on its way in an entry's transaction. */
export async function applyToCarried(
  { records, fence }: Pick<Tenure, 'records' | 'fence'>,
  entry: LedgerEntry,
  event: MessageEvent,
  writes: readonly Write[],
): Promise<readonly MessageRecord[] | undefined> {
  const changed: MessageRecord[] = []
  for (const id of entry.messageIds) {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const record = await records.load(id)
      if (record === undefined || !carries(entry, record)) break
      const applied = await records.apply(record, event, { fence, writes })
      if (applied.status === 'fenced') return undefined
      if (applied.status === 'ok') changed.push(applied.record)
      if (applied.status !== 'stale') break
    }
  }
  return changed
}

/** Says whether a record is on its way in this entry's transaction. */
function carries({ txUuid }: LedgerEntry, { submission }: MessageRecord): boolean {
  return submission?.txUuid === txUuid
}

/** Forgets an entry, and gives back the messages it carried. */
export async function dropEntry(
  tenure: Tenure,
  entry: LedgerEntry,
  event: MessageEvent | undefined,
): Promise<readonly MessageRecord[] | undefined> {
  const { store, fence, ledger, unsent, misses } = tenure
  const writes = [store.drop(entry.nonce)]
  const changed = event === undefined ? [] : await applyToCarried(tenure, entry, event, writes)
  if (changed === undefined) return lost(tenure)
  if (changed.length === 0 && (await store.write(fence, writes)) !== 'ok') return lost(tenure)
  ledger.delete(entry.nonce)
  unsent.delete(entry.nonce)
  misses.delete(entry.nonce)
  return changed
}

/** Notes that another process may sign for this lane now: nothing more is written or sent. */
export function lost(tenure: Tenure): undefined {
  tenure.ended = true
  tenure.log.warn({ lane: tenure.lane, chain: tenure.chain.name }, 'lease of the lane is lost')
}
