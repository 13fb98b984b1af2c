import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import {
  planLedger,
  underWay,
  type LedgerAction,
  type LedgerEntry,
} from '../../core/nonce-ledger.ts'
import type { Fence } from '../redis/commit.ts'
import { startConfirmingEarly } from '../confirming/early.ts'
import { isSilent } from '../chains/heads.ts'
import { laneName } from '../redis/keys.ts'
import { holdLease } from '../redis/lease.ts'
import { PROCESS_ID_TOPIC, sameAddress, type RawLog } from '../chains/logs.ts'
import { createPump, type Pump } from './pump.ts'
import { laneLists } from '../../core/work.ts'
import { bumpEntry, fillNonce } from './sign.ts'
import { submitMany } from './submit.ts'
import { poisoned } from '../redis/records.ts'
import {
  applyToCarried,
  dropEntry,
  readView,
  writeEntry,
  type LaneContext,
  type Tenure,
} from './tenure.ts'

/** The submitter of one signer lane of one destination: while its lease is ours, it alone signs. */
export type Lane = {
  /** What the operator sees of it. */
  state: () => LaneState
  /** Does what an operator asks, if this process owns the lane. */
  command: (command: LaneCommand) => Promise<void>
  stop: () => Promise<void>
}

/** What an operator may ask of a lane: compare with the chain now, use a nonce, raise a fee. */
export type LaneCommand = { act: 'reconcile' } | { act: 'fill_gap' | 'bump'; nonce: number }

/** A signer lane as the operator sees it. */
export type LaneState = {
  chainId: number
  lane: string
  signer: Hex
  owned: boolean
  pending: number
  latestNonce: number | undefined
  held: string | undefined
}

type Receipt = {
  status: Hex
  blockNumber: Hex
  blockHash: Hash
  transactionHash: Hash
  logs: readonly RawLog[]
}

const LEASE_TTL_MS = { critical: 2_000, transfer: 3_000 }
const LOCK_MS = { critical: 2_000, transfer: 5_000 }
/** Milliseconds without a transaction of ours before a used nonce is given up: nodes may lag. */
const MISSED_MS_MAX = 1_500
/** Milliseconds between looks at a chain that brings no heads while something is under way. */
const LOOK_MS = 1_000

/** Starts the submitter of a lane. */
export function startLane(context: LaneContext): Lane {
  const { chain, lane, signer, redis, keys } = context
  let tenure: Tenure | undefined
  let closing: Promise<void> = Promise.resolve()
  let close: (() => Promise<void>) | undefined
  let obey: ((command: LaneCommand) => Promise<void>) | undefined

  const end = () => {
    if (tenure !== undefined) tenure.ended = true
    tenure = undefined
    const closeIt = close
    close = undefined
    if (closeIt !== undefined) closing = closing.then(closeIt)
  }
  const begin = async (fence: Fence) => {
    await closing
    const view = await readView(context, signer.address)
    const ledger = await context.store.load()
    const unsent = new Set<number>()
    const misses = new Map<number, number>()
    const mine: Tenure = {
      ...context,
      fence,
      ledger,
      view,
      unsent,
      misses,
      held: undefined,
      ended: false,
    }
    if (lease.fence()?.token !== fence.token) return
    tenure = mine
    const served = await serve(mine)
    close = served.close
    obey = served.obey
    if (mine.ended) {
      await close()
      close = undefined
    }
  }
  const tryBegin = async (fence: Fence): Promise<void> => {
    try {
      await begin(fence)
    } catch (error) {
      context.log.warn({ err: error, chain: chain.name, lane }, 'lane could not start')
      await new Promise((resolve) => setTimeout(resolve, 500))
      if (lease.fence()?.token === fence.token && tenure === undefined) await tryBegin(fence)
    }
  }
  const lease = holdLease({
    redis,
    keys,
    name: laneName(chain.chainId, lane),
    ttlMs: LEASE_TTL_MS[lane],
    onGain: (fence) => void tryBegin(fence),
    onLoss: end,
  })
  return {
    command: async (command) => {
      if (tenure !== undefined && !tenure.ended) await obey?.(command)
    },
    state: () => stateOf(context, tenure),
    stop: async () => {
      end()
      await closing
      await lease.stop()
    },
  }
}

function stateOf(
  { chain, lane, signer, heads }: LaneContext,
  tenure: Tenure | undefined,
): LaneState {
  return {
    chainId: chain.chainId,
    lane,
    signer: signer.address,
    owned: tenure !== undefined,
    pending: tenure === undefined ? 0 : underWay(tenure.ledger),
    latestNonce: tenure?.view.latest,
    held: isSilent(heads) ? 'the chain does not answer' : tenure?.held,
  }
}

type Served = { close: () => Promise<void>; obey: (command: LaneCommand) => Promise<void> }

/** Serves a lane for one tenure: first makes ledger and chain agree, then takes jobs. */
async function serve(tenure: Tenure): Promise<Served> {
  const { heads, work, chain, lane, log, metrics, signer } = tenure
  const onError = (error: unknown) => {
    metrics.failures.inc({ part: 'submitter' })
    log.debug({ err: error, chain: chain.name, lane }, 'submitting failed')
  }
  const pump = createPump(tenure, onError)
  const resumed = await reconcile(tenure, pump, { resuming: true })
  log.info({ chain: chain.name, lane, signer: signer.address, actions: resumed }, 'lane taken')

  const look = async () => {
    // An idle lane asks when it is about to sign; until then the chain may do what it likes.
    if (tenure.ended || (tenure.ledger.size === 0 && tenure.held === undefined)) return
    tenure.view = await readView(tenure, signer.address)
    await reconcile(tenure, pump, { resuming: false })
    metrics.lanePending.set({ chain: chain.name, lane }, underWay(tenure.ledger))
  }
  const looking = heads.subscribe(look)
  const timer = setInterval(() => {
    if (underWay(tenure.ledger) > 0) looking.wake()
  }, LOOK_MS)
  const worker = work.start({
    lists: laneLists('submit', chain.chainId, lane),
    batchMax: tenure.batchLimits.messagesMax,
    // One batch at a time: what comes meanwhile is the next batch, and nonces are taken in order.
    batchesMax: 1,
    lockMs: LOCK_MS[lane],
    run: async (batch) => {
      if (tenure.ended) return
      await submitMany(tenure, batch)
      pump.run()
    },
    onPoison: (record) => poisoned(tenure.records, record),
  })
  const confirming = startConfirmingEarly(tenure, pump)
  const close = async () => {
    clearInterval(timer)
    confirming?.stop()
    looking.end()
    await Promise.all([worker.stop(), pump.stop()])
  }
  const obey = async (command: LaneCommand) => {
    tenure.view = await readView(tenure, signer.address)
    if (command.act === 'reconcile') await reconcile(tenure, pump, { resuming: false })
    else await actOn(tenure, command)
    pump.run()
  }
  return { close, obey }
}

/** Uses a nonce that nobody uses, or raises the fee of one that waits: never one that is mined. */
async function actOn(
  tenure: Tenure,
  { act, nonce }: { act: 'fill_gap' | 'bump'; nonce: number },
): Promise<void> {
  const entry = tenure.ledger.get(nonce)
  if (nonce < tenure.view.latest) return
  if (act === 'fill_gap' && entry === undefined) await fillNonce(tenure, nonce)
  if (act === 'bump' && entry?.state === 'broadcast') await bumpEntry(tenure, entry)
}

/** Does what the plan says; gives how many actions there were. */
async function reconcile(
  tenure: Tenure,
  pump: Pump,
  { resuming }: { resuming: boolean },
): Promise<number> {
  const plan = planLedger(tenure.ledger, tenure.view, { resuming, policy: tenure.ledgerPolicy })
  const lookUps = plan.filter(({ type }) => type === 'look_up')
  await Promise.all(lookUps.map(({ nonce }) => lookUp(tenure, nonce)))
  for (const action of plan) {
    if (tenure.ended) break
    if (action.type !== 'look_up') await perform(tenure, action)
  }
  if (tenure.unsent.size > 0) pump.run()
  return plan.length
}

async function perform(tenure: Tenure, { type, nonce }: LedgerAction): Promise<void> {
  const entry = tenure.ledger.get(nonce)
  if (type === 'fill') {
    if (entry === undefined) await fillNonce(tenure, nonce)
    return
  }
  if (entry === undefined) return
  if (type === 'send') return await sendAgain(tenure, entry)
  if (type === 'sign') return await signReserved(tenure, entry)
  if (type === 'bump') return await bumpEntry(tenure, entry)
  if (type === 'settle') {
    await dropEntry(tenure, entry, undefined)
    return
  }
  const reason = { code: 'resumed', text: 'its nonce was reserved and never signed for' }
  await dropEntry(tenure, entry, { type: 'requeued', reason, failed: false })
}

/** A nonce that was reserved and never signed for, and that later ones need: its messages go anew. */
async function signReserved(tenure: Tenure, entry: LedgerEntry): Promise<void> {
  const reason = { code: 'resumed', text: 'its nonce was reserved and never signed for' }
  const freed = await applyToCarried(tenure, entry, { type: 'requeued', reason, failed: false }, {})
  if (freed !== undefined) await fillNonce(tenure, entry.nonce)
}

async function sendAgain(tenure: Tenure, entry: LedgerEntry): Promise<void> {
  const { ledger, unsent } = tenure
  if (entry.state === 'mined') {
    const pending: LedgerEntry = { ...entry, state: 'broadcast', minedAt: undefined }
    ledger.set(entry.nonce, pending)
    await writeEntry(tenure, pending, { type: 'unmined' })
  }
  unsent.add(entry.nonce)
}

/** Finds out which transaction used a nonce, and what became of the messages in ours. */
async function lookUp(tenure: Tenure, nonce: number): Promise<void> {
  const { chain, ledger, misses, unsent } = tenure
  const entry = ledger.get(nonce)
  if (entry === undefined) return
  const receipts = await Promise.all(
    entry.attempts.map(({ hash }) =>
      chain.rpc.call<Receipt | null>('eth_getTransactionReceipt', [hash]),
    ),
  )
  const receipt = receipts.find((found) => found !== null)
  if (receipt !== undefined && receipt !== null) {
    misses.delete(nonce)
    unsent.delete(nonce)
    return await noteMined(tenure, entry, receipt)
  }
  const since = misses.get(nonce) ?? performance.now()
  misses.set(nonce, since)
  if (performance.now() - since < MISSED_MS_MAX) return
  const reason = { code: 'nonce_taken', text: `nonce ${nonce} was used by another transaction` }
  await dropEntry(tenure, entry, { type: 'requeued', reason, failed: false })
}

async function noteMined(tenure: Tenure, entry: LedgerEntry, receipt: Receipt): Promise<void> {
  const { ledger, chain, lane, log } = tenure
  const blockNumber = Number(receipt.blockNumber)
  const mined: LedgerEntry = { ...entry, state: 'mined', minedAt: blockNumber }
  const { blockHash, transactionHash } = receipt
  const done = processed(tenure, receipt)
  const delivery = { blockNumber, blockHash, transactionHash }
  // Who is not among those processed: somebody was faster, or the handler refused.
  const reason = { code: 'delivery_reverted', text: `not delivered by ${transactionHash}` }
  const changed = await writeEntry(tenure, mined, ({ id }) =>
    done.has(id) ? { type: 'included', delivery } : { type: 'requeued', reason, failed: true },
  )
  if (changed === undefined) return
  ledger.set(entry.nonce, mined)
  tenure.faultpoint('included')
  for (const record of changed) {
    if (record.stage === 'included') tenure.onDelivered(record)
    else {
      const { id: messageId } = record
      log.warn({ messageId, chain: chain.name, lane, transactionHash }, 'delivery reverted')
    }
  }
}

/** Messages that the Mailbox says it processed in a transaction. */
function processed({ chain }: Tenure, { status, logs }: Receipt): ReadonlySet<Hex> {
  const ids = logs
    .filter(
      ({ address, topics }) =>
        sameAddress(address, chain.mailbox) && topics[0] === PROCESS_ID_TOPIC,
    )
    .map(({ topics }) => topics[1] ?? '0x')
  return new Set(Number(status) === 1 ? ids : [])
}
