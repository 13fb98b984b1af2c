import {
  bundleEntryId,
  ENTRY_KIND,
  LANE,
  marksEntryId,
  transactionEntryId,
  type BundleTerms,
} from '../../../sdk/protocol/entry.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { ownerOf, type AccountId } from '../../../sdk/protocol/ids.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { hubOf, chainOf, type CoreConfig } from '../config.ts'
import { laneOf } from '../lanes/lanes.ts'
import { protectedLegs, type Entry, type Fault } from '../entries/entry.ts'
import type { Leg } from '../entries/leg.ts'
import { faultOfTerms } from './terms.ts'
import { nextTimestampMs, type CoreState } from '../state.ts'
import { marksGas, systemCall } from '../slots/system-calls.ts'

/** A bundle as it comes in, with its transactions decoded. */
export type BundleInput = BundleTerms & {
  legs: readonly Leg[]
  /** One per leg. */
  canRevert: readonly boolean[]
  /** Who signed the request, authenticated; default: the first leg's sender. Lower case. */
  owner?: Address | undefined
}

/** Marks as they come in: their signatures are checked, `calldata` is `MarkFeeds.update(…)`. */
export type MarksInput = { underlying: number; sequence: bigint; calldata: Hex }

/** Makes an entry of a transaction that stands alone; it may revert. */
export function transactionEntry(state: CoreState, leg: Leg): Entry {
  const { config, height } = state
  return {
    entryId: transactionEntryId(config.logId, leg),
    kind: ENTRY_KIND.transaction,
    lane: laneOf(config, [leg], {}),
    sequence: state.nextSequence++,
    legs: [{ type: 'user', chainId: leg.chainId, leg }],
    canRevert: [true],
    terms: {},
    bytes: bytesOf(leg),
    firstSlot: 0,
    deadlineSlot: height + LIMITS.defaultSlots,
    sender: leg.from,
    owner: leg.from,
    joint: [],
    waiters: [],
  }
}

/** Makes an entry of a bundle. */
export function bundleEntry(state: CoreState, bundle: BundleInput): Entry {
  const { config, height } = state
  const { legs, canRevert, owner, ...terms } = bundle
  const named = legs.map(({ chainId, hash }, i) => ({
    chainId,
    hash,
    canRevert: canRevert[i] === true,
  }))
  return {
    entryId: bundleEntryId(config.logId, named, terms),
    kind: ENTRY_KIND.bundle,
    lane: laneOf(config, legs, terms),
    sequence: state.nextSequence++,
    legs: legs.map((leg) => ({ type: 'user', chainId: leg.chainId, leg })),
    canRevert: named.map((leg) => leg.canRevert),
    terms,
    bytes: legs.reduce((sum, leg) => sum + bytesOf(leg), 0),
    firstSlot: slotNumber(terms.minSlot ?? 0n),
    deadlineSlot:
      terms.maxSlot === undefined ? height + slotsFor(terms) : slotNumber(terms.maxSlot),
    sender: legs[0]?.from ?? '0x',
    owner: owner ?? legs[0]?.from ?? '0x',
    joint: terms.salt === undefined ? [] : jointAccounts(config, legs, { canRevert, terms }),
    waiters: [],
  }
}

/** Slots that a bundle waits when it names no last one: longer when it names a block or a time. */
function slotsFor({ blockNumber, minTimestamp }: BundleTerms): number {
  const later = blockNumber !== undefined || minTimestamp !== undefined
  return later ? LIMITS.bundleHorizonSlots : LIMITS.defaultSlots
}

/** Makes an entry of marks: a system leg on every rollup that keeps marks. */
export function marksEntry(state: CoreState, marks: MarksInput): Entry {
  const { config } = state
  const { underlying, sequence, calldata } = marks
  const chains = config.chains.filter(({ chainId }) => !state.stopped.has(chainId))
  const legs = chains.flatMap((chain) => {
    if (chain.markFeeds === undefined) return []
    const to = chain.markFeeds
    const call = systemCall(chain, { system: config.system, to, input: calldata, gas: marksGas })
    return [{ type: 'system', chainId: chain.chainId, call } as const]
  })
  return {
    entryId: marksEntryId(config.logId, marks),
    kind: ENTRY_KIND.system,
    lane: LANE.system,
    sequence: state.nextSequence++,
    legs,
    canRevert: legs.map(() => false),
    terms: {},
    bytes: (legs.length * calldata.length) / 2,
    firstSlot: 0,
    deadlineSlot: state.height + LIMITS.defaultSlots,
    sender: config.system,
    owner: config.system,
    joint: [],
    marks: { underlying, sequence },
    waiters: [],
  }
}

/**
 * Checks what needs neither accounts nor a simulation.
 *
 * @returns The first rule that the entry breaks, or undefined.
 */
export function faultOnArrival(state: CoreState, entry: Entry): Fault | undefined {
  return faultOfShape(state, entry) ?? faultOfWindow(state, entry) ?? faultOfMemory(state, entry)
}

function faultOfShape(state: CoreState, entry: Entry): Fault | undefined {
  const { legs, canRevert } = entry
  if (legs.length === 0) {
    const values = { rule: 'a bundle has at least one leg', path: 'txs' }
    return { error: 'INVALID_REQUEST', values }
  }
  if (legs.length > LIMITS.bundleLegs && entry.kind === ENTRY_KIND.bundle) {
    return tooLarge('number of legs', legs.length, LIMITS.bundleLegs)
  }
  if (legs.length !== canRevert.length) {
    const values = { rule: 'one canRevert per leg', path: 'txs' }
    return { error: 'INVALID_REQUEST', values }
  }
  if (entry.bytes > LIMITS.bundleBytes) {
    return tooLarge('number of bytes', entry.bytes, LIMITS.bundleBytes)
  }
  const terms = faultOfTerms(state, entry)
  if (terms !== undefined) return terms
  const hashes = new Set<Hash>()
  for (const [i, item] of legs.entries()) {
    const fault = item.type === 'user' ? faultOfLeg(state, item.leg, i) : undefined
    if (fault !== undefined) return fault
    if (item.type !== 'user') continue
    if (hashes.has(item.leg.hash)) {
      const values = { rule: 'a transaction stands once in a bundle', path: `txs.${i}` }
      return { error: 'INVALID_REQUEST', values }
    }
    hashes.add(item.leg.hash)
  }
  return undefined
}

function faultOfLeg(state: CoreState, leg: Leg, index: number): Fault | undefined {
  const { config, stopped } = state
  const { chainId, gas } = leg
  if (chainOf(config, chainId) === undefined) {
    const known = config.chains.map((chain) => chain.chainId).join(', ')
    return { error: 'UNKNOWN_CHAIN', values: { chainId, known } }
  }
  const reason = stopped.get(chainId)
  if (reason !== undefined) return { error: 'CHAIN_STOPPED', values: { chainId, reason } }
  if (gas > BigInt(LIMITS.legGas)) {
    const values = { leg: index, gas: gas.toString(), minimum: 21_000, maximum: LIMITS.legGas }
    return { error: 'GAS_LIMIT', values }
  }
  if (leg.from === config.system) {
    const what = 'A transaction of the system key'
    return { error: 'UNSUPPORTED', values: { what, reason: 'it sends system legs alone' } }
  }
  return undefined
}

/** Checks an entry's slots and times against the slot to come. */
export function faultOfWindow(state: CoreState, entry: Entry): Fault | undefined {
  const next = state.height + 1
  const { firstSlot, deadlineSlot, terms } = entry
  if (deadlineSlot < next) {
    return { error: 'EXPIRED', values: { limit: `slot ${deadlineSlot}`, actual: `slot ${next}` } }
  }
  const horizon = LIMITS.bundleHorizonSlots
  if (firstSlot > next + horizon || deadlineSlot > next + horizon) {
    const limit = `slot ${Math.max(firstSlot, deadlineSlot)}`
    const values = { limit, horizon: `${horizon} slots`, actual: `slot ${next}` }
    return { error: 'NOT_YET', values }
  }
  const block = faultOfBlock(state, entry)
  if (block !== undefined) return block
  const nowMs = nextTimestampMs(state)
  const { minTimestamp, maxTimestamp } = terms
  if (maxTimestamp !== undefined && maxTimestamp < Math.floor(nowMs / 1000)) {
    return { error: 'EXPIRED', values: { limit: `${maxTimestamp} s`, actual: `${nowMs} ms` } }
  }
  if (minTimestamp !== undefined && minTimestamp * 1000 > nowMs + LIMITS.bundleHorizonMs) {
    const values = {
      limit: `${minTimestamp} s`,
      horizon: `${LIMITS.bundleHorizonMs} ms`,
      actual: `${nowMs} ms`,
    }
    return { error: 'NOT_YET', values }
  }
  return undefined
}

function faultOfBlock(state: CoreState, entry: Entry): Fault | undefined {
  const { blockNumber } = entry.terms
  if (blockNumber === undefined) return undefined
  const next = nextBlock(state, entry)
  const values = { limit: `block ${blockNumber}`, actual: `block ${next}` }
  if (blockNumber < next) return { error: 'EXPIRED', values }
  if (blockNumber <= next + LIMITS.blockHorizon) return undefined
  return { error: 'NOT_YET', values: { ...values, horizon: `${LIMITS.blockHorizon} blocks` } }
}

/** Number of the block that the first leg of an entry would stand in now. */
export function nextBlock({ superblock, heads }: CoreState, entry: Entry): number {
  const chainId = entry.legs[0]?.chainId ?? 0
  const open = superblock.blocks.get(chainId)
  if (open === undefined) return (heads.get(chainId)?.number ?? 0) + 1
  return superblock.phase === 'open' ? open.env.number : open.env.number + 1
}

function faultOfMemory(state: CoreState, entry: Entry): Fault | undefined {
  const closed = state.memory.closed.get(entry.entryId)
  if (closed !== undefined) {
    if (closed.by === 'sender') return { error: 'CANCELLED', values: {} }
    return { error: 'REPLACED', values: { bundleHash: closed.by } }
  }
  if (entry.marks !== undefined) return faultOfMarks(state, entry.marks)
  for (const item of entry.legs) {
    if (item.type !== 'user') continue
    const owner = state.memory.owners.get(item.leg.hash)
    if (owner === undefined || owner.entryId === entry.entryId) continue
    if (mayTakeOver(state, entry, owner.entryId)) continue
    const values = { hash: item.leg.hash, bundleHash: owner.entryId }
    return { error: 'LEG_ALONE', values }
  }
  return undefined
}

/**
 * A bundle may have the legs of the waiting bundle that it replaces, and those of any bundle that was
 * not cancelled when it has all of them, in their order: none of them goes alone then.
 */
function mayTakeOver(state: CoreState, entry: Entry, ownerId: Hash): boolean {
  const uuid = entry.terms.replacementUuid
  const replaced = state.pending.get(ownerId)
  const replaces =
    uuid !== undefined &&
    replaced?.terms.replacementUuid?.toLowerCase() === uuid.toLowerCase() &&
    replaced.owner === entry.owner
  if (replaces) return true
  if (state.memory.closed.get(ownerId)?.by === 'sender') return false
  const required = legsToProtect(entry)
  let from = 0
  return (state.memory.owned.get(ownerId) ?? []).every((hash) => {
    const place = required.indexOf(hash, from)
    from = place + 1
    return place >= 0
  })
}

/** Marks only go forward, per underlying. */
export function faultOfMarks(
  state: CoreState,
  marks: { underlying: number; sequence: bigint },
): Fault | undefined {
  const current = state.marks.get(marks.underlying) ?? 0n
  if (marks.sequence > current) return undefined
  const what = `marks of underlying ${marks.underlying}`
  const values = { sequence: marks.sequence.toString(), what, current: current.toString() }
  return { error: 'STALE_SEQUENCE', values }
}

/** Says whether a bundle's legs are protected from going alone. */
export function legsToProtect(entry: Entry): readonly Hash[] {
  return entry.kind === ENTRY_KIND.bundle ? protectedLegs(entry) : []
}

/**
 * Accounts that the hub checks at the end: a required call of `checkAfter` by the account's owner
 * after the last leg on any other rollup.
 */
function jointAccounts(
  config: CoreConfig,
  legs: readonly Leg[],
  { canRevert, terms }: { canRevert: readonly boolean[]; terms: BundleTerms },
): { sender: Address; account: AccountId }[] {
  const hub = hubOf(config)
  if (hub === undefined) return []
  const last = legs.findLastIndex(({ chainId }) => chainId !== hub.chainId)
  return legs.slice(last + 1).flatMap((leg, i) => {
    const place = last + 1 + i
    if (canRevert[place] === true || terms.legTerms?.[place]?.canSkip === true) return []
    if (leg.to === undefined || !hub.credit.includes(leg.to)) return []
    if (!leg.input.startsWith(config.checkAfterSelector) || leg.input.length < 74) return []
    const account: AccountId = `0x${leg.input.slice(10, 74)}`
    return ownerOf(account) === leg.from ? [{ sender: leg.from, account }] : []
  })
}

function tooLarge(what: string, actual: number, limit: number): Fault {
  return { error: 'TOO_LARGE', values: { what, actual, limit } }
}

function bytesOf(leg: Leg): number {
  return (leg.rawTx.length - 2) / 2
}

/** A slot's number; slots beyond 2^53 are as far as slots beyond any horizon. */
export function slotNumber(slot: bigint): number {
  return Number(slot < BigInt(Number.MAX_SAFE_INTEGER) ? slot : BigInt(Number.MAX_SAFE_INTEGER))
}
