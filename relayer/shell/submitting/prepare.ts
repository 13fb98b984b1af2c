import type { Redis } from 'ioredis'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { SIGNER_LANES } from '../../core/class.ts'
import { finalityOf } from '../../core/finality.ts'
import { addressOfWord } from '../../core/message.ts'
import {
  allowsFast,
  carriedBy,
  drawsOf,
  isListed,
  unpaidReason,
  type Carried,
} from '../../core/policy.ts'
import type { MessageRecord, Reason } from '../../core/stages.ts'
import { laneLists } from '../../core/work.ts'
import type { Chain } from '../chains/chains.ts'
import type { Checkpoints } from '../metadata/checkpoints.ts'
import { routeName, type Controls } from '../operating/controls.ts'
import { deliveredAmong, noteDelivered } from '../chains/delivered.ts'
import type { Faultpoint } from '../faults.ts'
import type { Heads } from '../chains/heads.ts'
import type { RedisKeys } from '../redis/keys.ts'
import type { Metrics } from '../operating/metrics.ts'
import { NOTHING_PAID, readPayment } from '../indexing/payments.ts'
import { poisoned, type Records } from '../redis/records.ts'
import type { Resolution, Resolver } from '../metadata/resolver.ts'
import { RpcError } from '../chains/rpc.ts'
import { isVouchedFor } from '../chains/witness.ts'
import type { Work, Worker } from '../redis/work.ts'

/** What the preparing of messages for one destination works with. */
export type PrepareContext = {
  chain: Chain
  chains: ReadonlyMap<number, Chain>
  heads: ReadonlyMap<number, Heads>
  redis: Redis
  keys: RedisKeys
  records: Records
  work: Work
  resolver: Resolver
  checkpoints: Checkpoints
  controls: Controls
  metrics: Metrics
  faultpoint: Faultpoint
  /** Milliseconds that another operator's relayer has for a message first. */
  backupDelayMs: number
  onError: (error: unknown) => void
}

/** What a message's turn works with besides. */
type Turn = PrepareContext & { waiting: Map<Hash, MessageRecord>; leaf: number | undefined }

const BATCH_MAX = 64
const BATCHES_MAX = 4
const LOCK_MS = { critical: 2_000, transfer: 5_000 }
/** How long a message that is not ready waits before it is looked at again, in milliseconds. */
const RECHECK_MS = { first: 100, max: 10_000, perMissingBlock: 200, failed: 500, parked: 1_000 }
const WAITING_MAX = 20_000

/** Starts the workers that bring messages for a destination to readiness. */
export function startPreparing(context: PrepareContext): Worker {
  const { chain, work, records, checkpoints, onError } = context
  // Messages whose signatures are missing: a checkpoint that arrives wakes them at once.
  const waiting = new Map<Hash, MessageRecord>()
  let signed: MessageRecord[] = []
  checkpoints.onSigned((messageId) => {
    const record = waiting.get(messageId)
    if (record === undefined) return
    waiting.delete(messageId)
    signed.push(record)
    if (signed.length > 1) return
    // Checkpoints come many at a time: those of one turn of the event loop wake together.
    setImmediate(() => {
      work.postpone(signed, 0).catch(onError)
      signed = []
    })
  })
  const workers = SIGNER_LANES.map((lane) =>
    work.start({
      lists: laneLists('prepare', chain.chainId, lane),
      batchMax: BATCH_MAX,
      batchesMax: BATCHES_MAX,
      lockMs: LOCK_MS[lane],
      run: (batch) => prepareMany(context, batch, waiting),
      onPoison: (record) => poisoned(records, record),
    }),
  )
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
    },
  }
}

async function prepareMany(
  context: PrepareContext,
  batch: readonly MessageRecord[],
  waiting: Map<Hash, MessageRecord>,
): Promise<void> {
  const { redis, keys, work, chain, onError } = context
  const delivered = await deliveredAmong(
    chain,
    batch.map(({ id }) => id),
  )
  const byOrigin = Map.groupBy(batch, ({ origin }) => origin)
  const origins = [...byOrigin].map(async ([origin, ofOrigin]) => {
    const leaves = await redis.hmget(keys.leaves(origin), ...ofOrigin.map(({ id }) => id))
    const turns = ofOrigin.map(async (record, i) => {
      if (delivered.has(record.id)) return await noteDelivered(context, record)
      const leaf = leaves[i] ?? undefined
      const turn = { ...context, waiting, leaf: leaf === undefined ? undefined : Number(leaf) }
      try {
        await prepare(turn, record)
      } catch (error) {
        onError(error)
        await work.postpone([record], RECHECK_MS.failed)
      }
    })
    await Promise.all(turns)
  })
  await Promise.all(origins)
}

async function prepare(turn: Turn, record: MessageRecord): Promise<void> {
  const { chain, chains, heads, records, metrics, faultpoint, waiting, leaf } = turn
  const origin = chains.get(record.origin)
  if (origin === undefined) return

  if (await isLeftToOthers(turn, record)) return
  const parked = await gate(turn, record)
  if (parked) return

  const headNumber = heads.get(record.origin)?.latest()?.number ?? -1
  const finality = finalityOf({ blockNumber: record.position.blockNumber, headNumber }, origin)
  const tier = finality.final ? 'safe' : 'fast'
  if (!finality.final && !allowsFast(turn.controls.policy(), record)) {
    const text = `${finality.missingBlocks} more blocks on ${origin.name}`
    const waitMs = Math.min(finality.missingBlocks * RECHECK_MS.perMissingBlock, RECHECK_MS.max)
    await waitFor(turn, record, { type: 'not_final', reason: { code: 'not_final', text } }, waitMs)
    return
  }

  const doubt = await doubtOf(origin, record)
  if (doubt !== undefined) {
    await waitFor(turn, record, { type: 'not_final', reason: { code: 'unvouched', text: doubt } })
    return
  }

  const built = await resolved(turn, record, { origin, leafIndex: leaf })
  metrics.metadataBuilds.inc({ origin: origin.name, remote: chain.name, status: built.status })
  if (built.status === 'ok') {
    if (!(await drawn(turn, record, { tier, origin }))) return
    const event = { type: 'metadata_built', metadata: built.metadata, alone: built.alone } as const
    const prepared = await records.apply(record, event)
    if (prepared.status === 'ok') faultpoint('prepared')
    return
  }
  const { code, text } = built
  const held = await waitFor(turn, record, { type: 'not_signed', reason: { code, text } })
  if (held === undefined) return
  waiting.delete(held.id)
  waiting.set(held.id, held)
  const [oldest] = waiting.keys()
  if (waiting.size > WAITING_MAX && oldest !== undefined) waiting.delete(oldest)
}

const ONE = 10n ** 18n

/** Why a message of much value may not go: two providers must show it, where there are two. */
async function doubtOf(origin: Chain, record: MessageRecord): Promise<string | undefined> {
  if (origin.providers.all().length < 2) return undefined
  const { amount18 = 0n } = valueOf(origin, record) ?? {}
  if (amount18 < origin.voteAbove * ONE) return undefined
  const { vouched, text } = await isVouchedFor(origin, record)
  return vouched ? undefined : text
}

/** Anyone can write an amount into a message: those of our own contracts count. */
function valueOf(origin: Chain, { sender, raw }: MessageRecord): Carried | undefined {
  return origin.contracts.has(addressOfWord(sender)) ? carriedBy(raw) : undefined
}

/** Lets a fresh message wait while another operator's relayer may still deliver it. */
async function isLeftToOthers(
  { backupDelayMs, records, work }: Turn,
  record: MessageRecord,
): Promise<boolean> {
  if (backupDelayMs === 0 || record.stage !== 'seen') return false
  const leftMs = backupDelayMs - ((await records.ageMs(record.id)) ?? 0)
  if (leftMs <= 0) return false
  await work.postpone([record], leftMs)
  return true
}

/** Parks what the policy does not let through now; gives true when it did. */
async function gate(turn: Turn, record: MessageRecord): Promise<boolean> {
  const { controls, redis, keys, records } = turn
  const { whitelist, blacklist, payment } = controls.policy()
  const filtered =
    isListed(blacklist, record) || (whitelist.length > 0 && !isListed(whitelist, record))
  if (filtered) {
    const reason = { code: 'not_listed', text: 'the policy does not relay it' }
    await records.apply(record, { type: 'filtered', reason })
    return true
  }
  const paused = controls.pausedFor(routeName(record.origin, record.destination))
  if (paused !== undefined) {
    await park(turn, record, 'limited', { code: 'route_paused', text: `paused: ${paused}` })
    return true
  }
  if (payment.length === 0) return false
  const stored = await redis.hget(keys.payments(record.origin), record.id)
  const paid = stored === null ? NOTHING_PAID : readPayment(stored)
  const text = unpaidReason(controls.policy(), record, { paid, gasNeeded: undefined })
  if (text === undefined) return false
  await park(turn, record, 'unpaid', { code: 'unpaid', text })
  return true
}

/** Draws a delivery from its buckets; lets the message wait when one of them is empty. */
async function drawn(
  turn: Turn,
  record: MessageRecord,
  { tier, origin }: { tier: 'fast' | 'safe'; origin: Chain },
): Promise<boolean> {
  const { controls } = turn
  const carried = valueOf(origin, record)
  const waitMs = await controls.draw(drawsOf(controls.policy(), record, { tier, carried }))
  if (waitMs === 0) return true
  const text = `the ${tier} bucket of its route is empty`
  // What is too much for the fast path takes the safe one.
  if (tier === 'fast') {
    await waitFor(turn, record, { type: 'not_final', reason: { code: 'fast_limit', text } }, 1_000)
    return false
  }
  // Looked at again before the bucket fills: an operator may raise the limit meanwhile.
  const delayMs = Math.min(waitMs, RECHECK_MS.max)
  await park(turn, record, 'limited', { code: 'safe_limit', text }, delayMs)
  return false
}

async function park(
  { records, work }: Turn,
  record: MessageRecord,
  type: 'limited' | 'unpaid',
  reason: Reason,
  delayMs = RECHECK_MS.parked,
): Promise<void> {
  // Said once: what is parked for long does not fill its own history.
  if (record.stage === type && record.reason?.text === reason.text) {
    await work.postpone([record], delayMs)
  } else await records.apply(record, { type, reason }, { delayMs })
}

async function resolved(
  { resolver, chain: destination }: Turn,
  record: MessageRecord,
  { origin, leafIndex }: { origin: Chain; leafIndex: number | undefined },
): Promise<Resolution> {
  try {
    return await resolver.resolve({ record, origin, destination, leafIndex })
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    const text = `the security module did not answer: ${error.rpcMessage}`
    return { status: 'not_ready', code: 'ism_reverts', text }
  }
}

/** Writes down why a message waits, if that is news, and looks again later: the longer the rarer. */
async function waitFor(
  { records, work }: Turn,
  record: MessageRecord,
  event: { type: 'not_final' | 'not_signed'; reason: Reason },
  givenWaitMs?: number,
): Promise<MessageRecord | undefined> {
  const stage = event.type === 'not_final' ? 'awaiting_finality' : 'awaiting_signatures'
  const same = record.stage === stage && record.reason?.text === event.reason.text
  const ageMs = (record.stage === 'seen' ? 0 : await records.ageMs(record.id)) ?? 0
  const delayMs = givenWaitMs ?? Math.min(Math.max(ageMs / 2, RECHECK_MS.first), RECHECK_MS.max)
  if (same) {
    await work.postpone([record], delayMs)
    return record
  }
  const noted = await records.apply(record, event, { delayMs })
  return noted.status === 'ok' ? noted.record : undefined
}
