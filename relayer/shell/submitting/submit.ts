import { randomUUID } from 'node:crypto'
import type { Fee } from '../../core/fees.ts'
import { nextNonce, type LedgerEntry } from '../../core/nonce-ledger.ts'
import { judgeFailure } from '../../core/policy.ts'
import type { MessageRecord } from '../../core/stages.ts'
import { routeName } from '../operating/controls.ts'
import { deliveredAmong, noteDelivered } from '../chains/delivered.ts'
import { laneName } from '../redis/keys.ts'
import { feeNow } from './pricing.ts'
import { redisTimeMs } from '../redis/records.ts'
import { signEntry } from './sign.ts'
import { lost, readView, type Tenure } from './tenure.ts'
import { tryOne, tryTogether, type Carrying, type Trial } from './trial.ts'

/** How long a message that cannot go now waits for its next try, in milliseconds. */
const RETRY_MS = { laneFull: 50, paused: 1_000 }

/** Messages that are tried by themselves at the same time. */
const ALONE_MAX = 16

/**
 * Takes prepared messages to signed transactions in the ledger; sending them is the pump's work.
 *
 * What can go together does, where the chain has a contract for it; a message that once failed in
 * company goes by itself. Nobody waits for company: what is ready now goes now.
 */
export async function submitMany(tenure: Tenure, batch: readonly MessageRecord[]): Promise<void> {
  const { chain, records, work } = tenure
  const ready = batch.filter(
    ({ stage, metadata }) => stage === 'prepared' && metadata !== undefined,
  )
  const delivered = await deliveredAmong(
    chain,
    ready.map(({ id }) => id),
  )
  const done = ready.filter(({ id }) => delivered.has(id))
  await Promise.all(done.map((record) => noteDelivered(tenure, record)))
  const open = await unpaused(
    tenure,
    ready.filter(({ id }) => !delivered.has(id)),
  )
  if (open.length === 0) return

  const fee = await feeNow(tenure)
  if (fee.status !== 'ok') {
    const { waitMs: delayMs, text } = fee
    tenure.held = text
    // Said once: a message that is held for long does not fill its own history.
    const news = open.filter(({ reason }) => reason?.code !== 'fee')
    await records.applyMany(news, { type: 'held', reason: { code: 'fee', text } }, { delayMs })
    await work.postpone(
      open.filter((one) => !news.includes(one)),
      delayMs,
    )
    return
  }
  const { together, single } = groups(tenure, open)
  if (together.length > 0) await submitTogether(tenure, together, fee.fee)
  for (let start = 0; start < single.length; start += ALONE_MAX) {
    const part = single.slice(start, start + ALONE_MAX)
    const trials = await Promise.all(
      part.map((record) => tryOne(chain, tenure.signer.address, record)),
    )
    for (const trial of trials) await settleTrial(tenure, trial, fee.fee)
  }
}

/** Gives what no operator has paused; the rest waits. */
async function unpaused(
  { controls, chain, lane, work }: Tenure,
  open: readonly MessageRecord[],
): Promise<readonly MessageRecord[]> {
  const stopped = controls.pausedFor(laneName(chain.chainId, lane)) !== undefined
  const going = open.filter(({ origin, destination }) => {
    return !stopped && controls.pausedFor(routeName(origin, destination)) === undefined
  })
  await work.postpone(
    open.filter((record) => !going.includes(record)),
    RETRY_MS.paused,
  )
  return going
}

function groups({ chain }: Tenure, open: readonly MessageRecord[]) {
  const company = open.filter(({ alone }) => alone !== true)
  if (chain.deliveryBatch === undefined || company.length < 2) return { together: [], single: open }
  return { together: company, single: open.filter(({ alone }) => alone === true) }
}

async function submitTogether(
  tenure: Tenure,
  records: readonly MessageRecord[],
  fee: Fee,
): Promise<void> {
  const { chain, signer, heads, batchLimits } = tenure
  const { deliveryBatch } = chain
  if (deliveryBatch === undefined) return
  const blockGas = heads.latest()?.gasLimit ?? 0n
  const gasMax = blockGas / 2n < batchLimits.gasMax ? blockGas / 2n : batchLimits.gasMax
  let rest = records
  while (rest.length > 0 && !tenure.ended) {
    const trial = await tryTogether({ ...chain, deliveryBatch }, signer.address, {
      records: rest,
      limits: { ...batchLimits, gasMax },
    })
    await settleTrial(tenure, trial, fee)
    rest = trial.left
  }
}

async function settleTrial(tenure: Tenure, trial: Trial, fee: Fee): Promise<void> {
  const { records } = tenure
  const { carrying, alone, reverts } = trial
  if (carrying !== undefined) await reserveAndSign(tenure, carrying, fee)
  if (alone.length > 0) {
    const reason = { code: 'alone', text: 'failed in a batch; goes by itself' }
    await records.applyMany(alone, { type: 'held', reason, alone: true })
  }
  for (const { record, text } of reverts) await noteRevert(tenure, record, text)
}

/** Decides by the policy what becomes of a message whose delivery would revert. */
async function noteRevert(tenure: Tenure, record: MessageRecord, text: string): Promise<void> {
  const { records, controls, metrics, chain, heads, redis } = tenure
  const verdict = judgeFailure(controls.policy(), {
    text,
    attempts: record.attempts,
    before: record.failure,
    headNumber: heads.latest()?.number ?? 0,
    nowMs: await redisTimeMs(redis),
  })
  if (verdict.type === 'dead_letter') {
    await records.apply(record, { type: 'dead_letter', reason: verdict.reason })
    metrics.deadLetters.inc({ chain: chain.name, reason: verdict.reason.code })
    return
  }
  const reason = { code: verdict.rule, text: `the delivery would revert: ${text}` }
  const { delayMs, failure } = verdict
  await records.apply(record, { type: 'requeued', reason, failed: true, failure }, { delayMs })
}

async function reserveAndSign(
  tenure: Tenure,
  { call, records: carried }: Carrying,
  fee: Fee,
): Promise<void> {
  const { ledger, ledgerPolicy, records, work, store, fence, lane, faultpoint } = tenure
  if (ledger.size === 0) tenure.view = await readView(tenure, tenure.signer.address)
  const nonce = nextNonce(ledger, tenure.view, ledgerPolicy)
  if (nonce === undefined || tenure.ended) return await work.postpone(carried, RETRY_MS.laneFull)
  const txUuid = randomUUID()
  const entry: LedgerEntry = {
    nonce,
    txUuid,
    purpose: 'deliver',
    messageIds: carried.map(({ id }) => id),
    state: 'reserved',
    attempts: [],
  }
  // Taken in memory first, so that nothing else of this process takes the same nonce.
  ledger.set(nonce, entry)
  const event = { type: 'reserved', lane, txUuid, nonce } as const
  const reserved = await records.applyMany(carried, event, { fence, writes: [store.put(entry)] })
  if (reserved.status !== 'ok' || reserved.records.length !== carried.length) {
    ledger.delete(nonce)
    if (reserved.status === 'fenced') return lost(tenure)
    // Somebody changed one of them meanwhile: who is still ready comes again at once.
    return await work.postpone(carried, 0)
  }
  faultpoint('reserved')
  await signEntry(tenure, entry, call, fee)
}
