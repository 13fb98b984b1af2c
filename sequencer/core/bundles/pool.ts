import { ENTRY_KIND, LANE } from '../../../sdk/protocol/entry.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { faultOnArrival, legsToProtect } from './admission.ts'
import {
  accountKey,
  replacementKey,
  userLegs,
  type AccountKey,
  type Entry,
  type Fault,
} from '../entries/entry.ts'
import { faultOfFailures } from './failures.ts'
import type { Effect } from '../input.ts'
import { compareEntries, insertInOrder } from '../lanes/lanes.ts'
import { handOver, rememberClosed, rememberOwner } from '../snapshot/memory.ts'
import { faultOfReplacement, rivalOf } from './replacement.ts'
import type { CoreState, HeldFor } from '../state.ts'

/** Takes a new entry: refuses it, joins it with its first copy, or lets it wait for a slot. */
export function submit(state: CoreState, entry: Entry, requestId: number): Effect[] {
  const place = state.memory.sequenced.get(entry.entryId)
  if (place !== undefined) {
    return [{ type: 'known', requestId, entryId: entry.entryId, height: place.height }]
  }
  const waiting = state.pending.get(entry.entryId)
  if (waiting !== undefined) {
    waiting.waiters.push(requestId)
    const held = state.held.has(entry.entryId)
    return held ? [{ type: 'held', entryId: entry.entryId, waiters: [requestId] }] : []
  }
  const rival = rivalOf(state, entry)
  const fault =
    faultOnArrival(state, entry) ??
    faultOfFailures(state, entry) ??
    (rival === undefined ? faultOfRoom(state, entry) : faultOfReplacement(entry, rival))
  if (fault !== undefined) {
    return [{ type: 'refuse', entryId: entry.entryId, waiters: [requestId], fault }]
  }
  entry.waiters.push(requestId)
  const effects = [...replaceOlder(state, entry), ...replaceRival(state, entry, rival)]
  addPending(state, entry)
  protectLegs(state, entry)
  return [...effects, ...readOrReady(state, entry)]
}

/** Notes that an entry waits from now on. */
export function addPending(state: CoreState, entry: Entry): void {
  state.pending.set(entry.entryId, entry)
  state.pendingByLane[entry.lane] = (state.pendingByLane[entry.lane] ?? 0) + 1
  for (const { hash } of userLegs(entry)) {
    if (!state.firstSeen.has(hash)) state.firstSeen.set(hash, entry.entryId)
  }
}

function faultOfRoom(state: CoreState, entry: Entry): Fault | undefined {
  if (state.pending.size - state.held.size >= LIMITS.readyEntries) {
    const values = {
      queue: 'queue of entries',
      actual: state.pending.size,
      limit: LIMITS.readyEntries,
    }
    return { error: 'OVERLOADED', values }
  }
  const inLane = state.pendingByLane[entry.lane] ?? 0
  if (entry.lane !== LANE.regular && inLane >= LIMITS.laneEntries) {
    const values = { queue: `lane ${entry.lane}`, actual: inLane, limit: LIMITS.laneEntries }
    return { error: 'OVERLOADED', values }
  }
  const held = state.heldBySender.get(entry.sender) ?? 0
  if (held >= LIMITS.heldBundlesPerSender) {
    const values = { sender: entry.sender, held, limit: LIMITS.heldBundlesPerSender }
    return { error: 'TOO_MANY_HELD', values }
  }
  return undefined
}

function protectLegs(state: CoreState, entry: Entry): void {
  // What another waiting entry was first seen with stays with that one.
  const legHashes = legsToProtect(entry).filter(
    (hash) => state.firstSeen.get(hash) === entry.entryId,
  )
  if (legHashes.length === 0) return
  const { entryId, deadlineSlot: untilSlot } = entry
  for (const hash of legHashes) rememberOwner(state.memory, hash, { entryId, untilSlot })
  state.notes.seen.push({ entryId, untilSlot, legHashes })
}

function replaceOlder(state: CoreState, entry: Entry): Effect[] {
  const uuid = entry.terms.replacementUuid
  if (uuid === undefined) return []
  const key = replacementKey(entry.owner, uuid)
  const olderId = state.memory.replaceable.get(key)
  state.memory.replaceable.set(key, entry.entryId)
  const older = olderId === undefined ? undefined : state.pending.get(olderId)
  if (older === undefined) return []
  handOver(state.memory, legsToProtect(older), older.entryId)
  const fault: Fault = { error: 'REPLACED', values: { bundleHash: entry.entryId } }
  return withdraw(state, older, { by: entry.entryId, fault })
}

function replaceRival(state: CoreState, entry: Entry, rival: Entry | undefined): Effect[] {
  if (rival === undefined) return []
  const fault: Fault = { error: 'REPLACED', values: { bundleHash: entry.entryId } }
  return withdraw(state, rival, { by: entry.entryId, fault })
}

/** Cancels the waiting bundle of an owner's name: a cancellation wins until its slot is formed. */
export function cancel(
  state: CoreState,
  request: { requestId: number; owner: Address; replacementUuid: string },
): Effect[] {
  const { requestId, owner, replacementUuid } = request
  const entryId = state.memory.replaceable.get(replacementKey(owner, replacementUuid))
  const fault: Fault = { error: 'UNKNOWN_BUNDLE', values: { bundleHash: replacementUuid } }
  const refused: Effect = { type: 'notCancelled', requestId, fault, requestName: replacementUuid }
  if (entryId === undefined) return [refused]
  const place = state.memory.sequenced.get(entryId)
  if (place !== undefined) {
    const values = { bundleHash: entryId, slot: place.height }
    return [{ ...refused, fault: { error: 'ALREADY_SEQUENCED', values } }]
  }
  const entry = state.pending.get(entryId)
  if (entry === undefined) return [refused]
  return [
    ...withdraw(state, entry, { by: 'sender', fault: { error: 'CANCELLED', values: {} } }),
    {
      type: 'cancelled',
      requestId,
      entryId,
      legHashes: userLegs(entry).map(({ hash }) => hash),
      height: state.height + 1,
    },
  ]
}

function withdraw(
  state: CoreState,
  entry: Entry,
  reason: { by: Hash | 'sender'; fault: Fault },
): Effect[] {
  const { entryId, deadlineSlot: untilSlot } = entry
  const { by, fault } = reason
  rememberClosed(state.memory, entryId, { by, untilSlot })
  state.notes.closed.push({ entryId, untilSlot, by })
  const effect = refuseEntry(state, entry, fault)
  // A formation that holds it begins anew without it: nothing of it is promised yet.
  const { formation } = state
  if (formation?.entries.includes(entry) === true || formation?.carried.includes(entry) === true) {
    abandonFormation(state)
  }
  return [effect]
}

/** Gives the entries of the slot being formed back to the queue. */
export function abandonFormation(state: CoreState): void {
  const { formation } = state
  if (formation === undefined) return
  state.formation = undefined
  const refused = formation.refused.map(({ entry }) => entry)
  giveBack(state, [...formation.entries, ...formation.carried, ...refused])
}

/** Puts entries back in front of the queue, in order of lane and arrival. */
export function giveBack(state: CoreState, entries: readonly Entry[]): void {
  const alive = entries.filter((entry) => isPending(state, entry))
  state.ready = [...alive, ...state.ready]
  state.ready.sort(compareEntries)
}

/** Takes an entry out of every list and answers whoever waits for it. */
export function refuseEntry(state: CoreState, entry: Entry, fault: Fault): Effect {
  forgetPending(state, entry)
  return { type: 'refuse', entryId: entry.entryId, waiters: entry.waiters, fault }
}

/** Takes an entry out of every list but the queue, which skips it. */
export function forgetPending(state: CoreState, entry: Entry): void {
  const { entryId } = entry
  if (state.pending.delete(entryId)) {
    state.pendingByLane[entry.lane] = (state.pendingByLane[entry.lane] ?? 1) - 1
  }
  for (const { hash } of userLegs(entry)) {
    if (state.firstSeen.get(hash) === entryId) state.firstSeen.delete(hash)
  }
  state.reading.delete(entryId)
  releaseHeld(state, entryId)
  const uuid = entry.terms.replacementUuid
  if (uuid === undefined || state.memory.sequenced.has(entryId)) return
  const key = replacementKey(entry.owner, uuid)
  if (state.memory.replaceable.get(key) === entryId) state.memory.replaceable.delete(key)
}

/** Says whether an entry still waits: the queue keeps what was withdrawn until it is tried. */
export function isPending(state: CoreState, entry: Entry): boolean {
  return state.pending.get(entry.entryId) === entry
}

/** Asks for accounts that are not known yet; an entry whose accounts are known is ready. */
export function readOrReady(state: CoreState, entry: Entry): Effect[] {
  const unknown = new Map<number, Set<Address>>()
  for (const { chainId, from } of userLegs(entry)) {
    if (state.accounts.has(accountKey(chainId, from))) continue
    const addresses = unknown.get(chainId) ?? new Set()
    unknown.set(chainId, addresses.add(from))
  }
  if (unknown.size === 0) {
    insertReady(state, entry)
    return []
  }
  state.reading.set(entry.entryId, entry)
  return [...unknown].map(([chainId, addresses]) => ({
    type: 'readAccounts' as const,
    chainId,
    addresses: [...addresses],
  }))
}

function insertReady(state: CoreState, entry: Entry): void {
  state.reading.delete(entry.entryId)
  insertInOrder(state.ready, entry)
}

/** Lets an entry wait, or refuses it when too many wait. */
export function hold(state: CoreState, entry: Entry, reason: HeldFor): Effect[] {
  const bySender = state.heldBySender.get(entry.sender) ?? 0
  if (bySender >= LIMITS.heldBundlesPerSender) {
    const values = { sender: entry.sender, held: bySender, limit: LIMITS.heldBundlesPerSender }
    return [refuseEntry(state, entry, { error: 'TOO_MANY_HELD', values })]
  }
  if (state.held.size >= LIMITS.heldBundles) {
    const values = { queue: 'waiting room', actual: state.held.size, limit: LIMITS.heldBundles }
    return [refuseEntry(state, entry, { error: 'OVERLOADED', values })]
  }
  state.held.set(entry.entryId, { entry, for: reason })
  state.heldBySender.set(entry.sender, bySender + 1)
  const told = entry.kind === ENTRY_KIND.bundle || reason.type === 'nonce'
  return told ? [{ type: 'held', entryId: entry.entryId, waiters: entry.waiters }] : []
}

/** Makes waiting entries ready again: those that wait for one of these accounts, or for time. */
export function wake(
  state: CoreState,
  change: { keys?: ReadonlySet<AccountKey> | undefined; time?: boolean | undefined },
): void {
  const woken: Entry[] = []
  for (const { entry, for: reason } of state.held.values()) {
    const due =
      reason.type === 'time' ? change.time === true : change.keys?.has(reason.key) === true
    if (due) woken.push(entry)
  }
  for (const entry of woken) {
    releaseHeld(state, entry.entryId)
    insertReady(state, entry)
  }
}

function releaseHeld(state: CoreState, entryId: Hash): void {
  const held = state.held.get(entryId)
  if (held === undefined) return
  state.held.delete(entryId)
  const { sender } = held.entry
  const left = (state.heldBySender.get(sender) ?? 1) - 1
  if (left === 0) state.heldBySender.delete(sender)
  else state.heldBySender.set(sender, left)
}
