import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { ENTRY_KIND, LANES, type Voided } from '../../../sdk/protocol/entry.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { Account } from '../entries/accounts.ts'
import { faultOfMarks, faultOfWindow, nextBlock } from '../bundles/admission.ts'
import { probesOf } from '../bundles/conditions.ts'
import { chainOf } from '../config.ts'
import {
  accountKey,
  legTermsOf,
  userLegs,
  type AccountKey,
  type Entry,
  type Fault,
} from '../entries/entry.ts'
import type { Effect } from '../input.ts'
import { costMax } from '../entries/leg.ts'
import { gasPercentOf, slotEntriesOf } from './lanes.ts'
import { voidedBy } from '../entries/reason.ts'
import { hold, isPending, readOrReady, refuseEntry } from '../bundles/pool.ts'
import { faultOfRisk } from '../risk/risk.ts'
import { nextTimestampMs, type CoreState } from '../state.ts'

/** Gas of a block that entries leave to system legs. */
const systemGasShare = 10n

/** What the candidates so far have used up, before anything ran. */
type Taken = {
  nonces: Map<AccountKey, number>
  costs: Map<AccountKey, bigint>
  gas: Map<number, bigint>
  bytes: number
  marks: Map<number, bigint>
  /** A risk version is among them. */
  risk: boolean
  /** Entries by lane, and the gas that they ask for by lane and chain. */
  laneEntries: number[]
  laneGas: Map<string, bigint>
  forced: number
  /** Something forced did not fit: what comes after it in the inbox waits too. */
  forcedFull: boolean
  probes: number
  keys: number
  /** Accounts of entries that go later: what follows them goes later too. */
  deferred: Set<AccountKey>
}

/** Entries of the next slot with what is known of them before anything runs. */
export type Selection = {
  entries: Entry[]
  effects: Effect[]
  skips: Map<Hash, Set<number>>
  voided: Map<Hash, Voided>
}

type Verdict =
  | { type: 'take'; skip?: readonly number[] | undefined; voided?: Voided | undefined }
  /** Tries again in the next slot. */
  | { type: 'later' }
  | { type: 'hold'; for: Parameters<typeof hold>[2]; read?: AccountKey | undefined }
  /** An account is not known any more. */
  | { type: 'read' }
  | { type: 'refuse'; fault: Fault }

/**
 * Chooses the entries of the next slot from the queue, in lane order and then first come first
 * served. What cannot go now is held, left in the queue, or refused.
 */
export function selectCandidates(state: CoreState): Selection {
  const taken: Taken = {
    nonces: new Map(),
    costs: new Map(),
    gas: new Map(),
    bytes: 0,
    marks: new Map(),
    risk: false,
    laneEntries: Array.from({ length: LANES }, () => 0),
    laneGas: new Map(),
    forced: 0,
    forcedFull: false,
    probes: 0,
    keys: 0,
    deferred: new Set(),
  }
  const skips: Selection['skips'] = new Map()
  const voided: Selection['voided'] = new Map()
  const entries: Entry[] = []
  const later: Entry[] = []
  const effects: Effect[] = []
  const queue = state.ready
  state.ready = []
  for (const [i, entry] of queue.entries()) {
    if (entries.length >= LIMITS.slotBundles) {
      later.push(...queue.slice(i))
      break
    }
    if (!isPending(state, entry)) continue
    const verdict = verdictOn(state, entry, taken)
    if (verdict.type === 'take') {
      const { skip = [] } = verdict
      if (skip.length > 0) skips.set(entry.entryId, new Set(skip))
      if (verdict.voided !== undefined) voided.set(entry.entryId, verdict.voided)
      take(entry, taken, new Set(skip))
      entries.push(entry)
    } else if (verdict.type === 'later') {
      later.push(entry)
      for (const { chainId, from } of userLegs(entry)) taken.deferred.add(accountKey(chainId, from))
    } else if (verdict.type === 'refuse') effects.push(refuseEntry(state, entry, verdict.fault))
    else if (verdict.type === 'read') effects.push(...readOrReady(state, entry))
    else {
      effects.push(...hold(state, entry, verdict.for), ...readAgain(state, verdict.read))
    }
  }
  state.ready = later
  return { entries, effects, skips, voided }
}

function verdictOn(state: CoreState, entry: Entry, taken: Taken): Verdict {
  if (entry.forced !== undefined) return verdictOnForced(state, entry, taken)
  const fault = faultOfWindow(state, entry) ?? faultOfStop(state, entry)
  if (fault !== undefined) return { type: 'refuse', fault }
  if (waitsForTime(state, entry)) return { type: 'hold', for: { type: 'time' } }
  if (entry.marks !== undefined) {
    const stale = faultOfMarks(state, entry.marks)
    if (stale !== undefined) return { type: 'refuse', fault: stale }
    const ahead = taken.marks.get(entry.marks.underlying)
    if (ahead !== undefined && ahead >= entry.marks.sequence) return { type: 'later' }
  }
  if (entry.risk !== undefined) {
    const stale = faultOfRisk(state, entry.risk)
    if (stale !== undefined) return { type: 'refuse', fault: stale }
    if (taken.risk) return { type: 'later' }
  }
  const nonces = verdictOnNonces(state, entry, taken)
  if (!Array.isArray(nonces)) return nonces
  const skipped = new Set<number>(nonces)
  return (
    verdictOnFunds(state, entry, { taken, skipped }) ??
    verdictOnRoom(state, entry, taken) ?? { type: 'take', skip: nonces }
  )
}

/** What was forced is taken in the inbox's order, for as long as there is room, and never refused. */
function verdictOnForced(state: CoreState, entry: Entry, taken: Taken): Verdict {
  const { forced, legs } = entry
  const expected = state.forcedCursor + taken.forced
  const waits = taken.forcedFull || taken.forced >= LIMITS.slotForcedEntries
  // Entries stand by lane: one of an urgent lane may come before what is ahead of it in the inbox.
  if (waits || forced?.index !== expected) {
    taken.forcedFull ||= waits
    return { type: 'later' }
  }
  const stop = faultOfStop(state, entry)
  const voided = (reason: string) => ({ type: 'take', voided: { leg: 0, reason } }) as const
  if (stop !== undefined) return { type: 'take', voided: voidedBy(stop) }
  if (legs.length === 0) return voided('it cannot be read')
  if (legs.some(({ chainId }) => exceedsForced(state, entry, { chainId }))) {
    return voided('its gas is more than a block has for what is forced')
  }
  const full = legs.some(({ chainId }) => exceedsForced(state, entry, { chainId, taken }))
  const room = full ? { type: 'later' as const } : verdictOnRoom(state, entry, taken)
  if (room === undefined) return { type: 'take' }
  taken.forcedFull = true
  return { type: 'later' }
}

/** Says whether an entry asks for more than forced entries may have of a block, or of what is left. */
function exceedsForced(
  { config, superblock }: CoreState,
  entry: Entry,
  { chainId, taken }: { chainId: number; taken?: Taken | undefined },
): boolean {
  const { gasLimit } = chainOf(config, chainId) as { gasLimit: bigint }
  const regular = (gasLimit * BigInt(100 - 2 * LIMITS.laneGasPercent)) / 100n
  const limit = (regular * BigInt(LIMITS.forcedGasPercent)) / 100n
  const block = taken === undefined ? 0n : (superblock.blocks.get(chainId)?.forcedGas ?? 0n)
  const slot = taken?.laneGas.get(`forced:${chainId}`) ?? 0n
  return block + slot + (gasByChain(entry).get(chainId) ?? 0n) > limit
}

function faultOfStop(state: CoreState, entry: Entry): Fault | undefined {
  for (const { chainId } of entry.legs) {
    const reason = state.stopped.get(chainId)
    if (reason !== undefined) return { error: 'CHAIN_STOPPED', values: { chainId, reason } }
  }
  return undefined
}

function waitsForTime(state: CoreState, entry: Entry): boolean {
  const { minTimestamp, blockNumber } = entry.terms
  if (entry.firstSlot > state.height + 1) return true
  if (blockNumber !== undefined && nextBlock(state, entry) < blockNumber) return true
  return minTimestamp !== undefined && minTimestamp * 1000 > nextTimestampMs(state)
}

/** Gives the legs that the entry goes without, or why it cannot go. */
function verdictOnNonces(state: CoreState, entry: Entry, taken: Taken): number[] | Verdict {
  const own = new Map<AccountKey, number>()
  const skip: number[] = []
  for (const [i, item] of entry.legs.entries()) {
    if (item.type !== 'user') continue
    const { chainId, from, nonce } = item.leg
    const key = accountKey(chainId, from)
    const account = state.accounts.get(key)
    if (account === undefined) return { type: 'read' }
    if (account.hasCode) {
      return {
        type: 'refuse',
        fault: { error: 'SENDER_HAS_CODE', values: { sender: from, chainId } },
      }
    }
    const ahead = taken.nonces.get(key)
    const expected = own.get(key) ?? ahead ?? account.nonce
    const values = { nonce, sender: from, chainId, expected }
    const fits = nonce === expected
    const settled = nonce < account.nonce || ahead === undefined || own.has(key)
    if (!fits && settled && legTermsOf(entry, i).canSkip) {
      skip.push(i)
      continue
    }
    if (nonce < account.nonce || (own.has(key) && nonce < expected)) {
      return { type: 'refuse', fault: { error: 'NONCE_TOO_LOW', values } }
    }
    // Another candidate uses the nonce: whether it stands decides about this one.
    if (nonce < expected) return { type: 'later' }
    if (nonce > expected) {
      if (taken.deferred.has(key)) return { type: 'later' }
      const lone = entry.kind === ENTRY_KIND.transaction
      if (lone && nonce > expected + LIMITS.nonceWindow) {
        return { type: 'refuse', fault: { error: 'NONCE_GAP', values } }
      }
      return { type: 'hold', for: { type: 'nonce', key } }
    }
    own.set(key, nonce + 1)
  }
  return skip
}

/** Reserves the most that the legs can cost: a leg without funds would fail its whole simulation. */
function verdictOnFunds(
  state: CoreState,
  entry: Entry,
  { taken, skipped }: { taken: Taken; skipped: ReadonlySet<number> },
): Verdict | undefined {
  const own = new Map<AccountKey, bigint>()
  for (const [i, item] of entry.legs.entries()) {
    if (item.type !== 'user' || skipped.has(i)) continue
    const { leg } = item
    const { chainId, from } = leg
    const key = accountKey(chainId, from)
    const account = state.accounts.get(key) as Account
    const reserved = taken.costs.get(key) ?? 0n
    const cost = (own.get(key) ?? 0n) + costMax(leg)
    own.set(key, cost)
    if (reserved + cost <= account.balanceMin) continue
    const wait = { type: 'funds', key } as const
    if (reserved > 0n && cost <= account.balanceMin) return { type: 'later' }
    if (account.asOfBlock < (state.heads.get(chainId)?.number ?? 0)) {
      return { type: 'hold', for: wait, read: key }
    }
    // Income inside the open block is seen when the block is published.
    if (state.superblock.blocks.has(chainId)) return { type: 'hold', for: wait }
    const values = {
      sender: from,
      balance: account.balanceMin.toString(),
      chainId,
      cost: cost.toString(),
    }
    return { type: 'refuse', fault: { error: 'INSUFFICIENT_FUNDS', values } }
  }
  return undefined
}

function verdictOnRoom(state: CoreState, entry: Entry, taken: Taken): Verdict | undefined {
  const { lane } = entry
  if ((taken.laneEntries[lane] ?? 0) >= slotEntriesOf(lane)) return { type: 'later' }
  if (taken.probes + probesOf(entry) > LIMITS.slotProbes) return { type: 'later' }
  if (taken.keys + listedKeys(entry) > LIMITS.slotKeys) return { type: 'later' }
  if (taken.bytes + entry.bytes > LIMITS.slotBytes / 2) return { type: 'later' }
  const gas = gasByChain(entry)
  for (const { chainId, gasLimit } of state.config.chains) {
    const wanted = gas.get(chainId)
    if (wanted === undefined) continue
    const used =
      (state.superblock.blocks.get(chainId)?.gasUsed ?? 0n) + (taken.gas.get(chainId) ?? 0n)
    if (used + wanted > gasLimit - gasLimit / systemGasShare) {
      return used === 0n
        ? { type: 'refuse', fault: faultOfGas(wanted, gasLimit) }
        : { type: 'later' }
    }
    const share = (gasLimit * gasPercentOf(lane)) / 100n
    const ofLane = state.superblock.blocks.get(chainId)?.gasByLane[lane] ?? 0n
    const before = ofLane + (taken.laneGas.get(`${lane}:${chainId}`) ?? 0n)
    if (before + wanted <= share) continue
    return wanted > share
      ? { type: 'refuse', fault: tooMuchGas(`gas of lane ${lane}`, wanted, share) }
      : { type: 'later' }
  }
  return undefined
}

function faultOfGas(wanted: bigint, gasLimit: bigint): Fault {
  return tooMuchGas('gas of one block', wanted, gasLimit - gasLimit / systemGasShare)
}

function tooMuchGas(what: string, actual: bigint, limit: bigint): Fault {
  return { error: 'TOO_LARGE', values: { what, actual: `${actual}`, limit: `${limit}` } }
}

function take(entry: Entry, taken: Taken, skipped: ReadonlySet<number>): void {
  const { lane } = entry
  taken.laneEntries[lane] = (taken.laneEntries[lane] ?? 0) + 1
  taken.probes += probesOf(entry)
  taken.keys += listedKeys(entry)
  if (entry.forced !== undefined) taken.forced += 1
  for (const [i, item] of entry.legs.entries()) {
    if (item.type !== 'user' || skipped.has(i)) continue
    const { leg } = item
    const key = accountKey(leg.chainId, leg.from)
    taken.nonces.set(key, leg.nonce + 1)
    taken.costs.set(key, (taken.costs.get(key) ?? 0n) + costMax(leg))
  }
  for (const [chainId, gas] of gasByChain(entry)) {
    taken.gas.set(chainId, (taken.gas.get(chainId) ?? 0n) + gas)
    for (const part of entry.forced === undefined ? [lane] : [lane, 'forced']) {
      const name = `${part}:${chainId}`
      taken.laneGas.set(name, (taken.laneGas.get(name) ?? 0n) + gas)
    }
  }
  taken.bytes += entry.bytes
  if (entry.marks !== undefined) taken.marks.set(entry.marks.underlying, entry.marks.sequence)
  if (entry.risk !== undefined) taken.risk = true
}

/** Keys that the slot lists for an entry on a rollup, at most. */
function listedKeys(entry: Entry): number {
  if (entry.terms.salt === undefined) return 0
  return new Set(userLegs(entry).map(({ from }) => from)).size + entry.joint.length
}

function gasByChain(entry: Entry): Map<number, bigint> {
  const gas = new Map<number, bigint>()
  for (const item of entry.legs) {
    const call = item.type === 'user' ? item.leg : item.call
    gas.set(item.chainId, (gas.get(item.chainId) ?? 0n) + call.gas)
  }
  return gas
}

function readAgain(state: CoreState, key: AccountKey | undefined): Effect[] {
  const account = key === undefined ? undefined : state.accounts.get(key)
  if (key === undefined || account === undefined || account.reading) return []
  account.reading = true
  const [chainId, address] = key.split(':') as [string, `0x${string}`]
  return [{ type: 'readAccounts', chainId: Number(chainId), addresses: [address] }]
}
