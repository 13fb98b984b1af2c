import { assert } from '../../../sdk/protocol/assert.ts'
import { LANES } from '../../../sdk/protocol/entry.ts'
import { EMPTY_ROOT } from '../../../sdk/protocol/merkle.ts'
import type { SlotNotes, SlotRecord } from '../../../sdk/protocol/slot.ts'
import { sparseRoot } from '../../../sdk/protocol/sparse-merkle.ts'
import { rememberedUntil } from '../slots/complete.ts'
import type { CoreConfig } from '../config.ts'
import { replacementKey } from '../entries/entry.ts'
import type { SealedBlock } from '../entries/execution.ts'
import {
  emptyMemory,
  forgetAfter,
  handOver,
  rememberClosed,
  rememberOwner,
  rememberSequenced,
} from './memory.ts'
import { emptyNotes, type CoreState } from '../state.ts'
import { nativeAfter } from '../native/books.ts'
import { noSuperblock } from '../superblocks/superblock.ts'

/** The state after slot 0. Heads and system nonces come with {@link resume}. */
export function initialState(config: CoreConfig): CoreState {
  return {
    config,
    nowMs: 0,
    elapsedMs: 0,
    height: 0,
    durableHeight: 0,
    timestampMs: 0,
    slotAtMs: undefined,
    busyAtMs: 0,
    superblock: noSuperblock(0),
    heads: new Map(),
    touchedAtMs: new Map(),
    stopped: new Map(),
    systemNonces: new Map(),
    accounts: new Map(),
    ready: [],
    reading: new Map(),
    held: new Map(),
    pending: new Map(),
    firstSeen: new Map(),
    heldBySender: new Map(),
    pendingByLane: Array.from({ length: LANES }, () => 0),
    failures: new Map(),
    marks: new Map(),
    l1Head: { number: 0, hash: EMPTY_ROOT },
    l1Origin: { number: 0, hash: EMPTY_ROOT },
    forcedCursor: 0,
    forcedNext: 0,
    marksSeq: 0n,
    risk: { marksSeq: 0n, paramsVersion: 0 },
    native: undefined,
    memory: emptyMemory(),
    notes: emptyNotes(),
    formation: undefined,
    previews: new Map(),
    nextSequence: 1,
    nextTicket: 1,
  }
}

/** Takes a slot of the log again: what it promised is known as if this process had formed it. */
export function applyRecord(state: CoreState, record: SlotRecord): void {
  const { header, entries, notes } = record
  assert(header.height === state.height + 1, 'heights are contiguous (I1)')
  assert(header.timestampMs > state.timestampMs, 'slot time strictly increases (I13)')
  assert(header.l1Origin.number >= state.l1Origin.number, 'the origin on l1 never goes back (I17)')
  state.height = header.height
  state.durableHeight = header.height
  state.timestampMs = header.timestampMs
  state.nowMs = header.timestampMs
  state.superblock = noSuperblock(header.superblock)
  state.l1Origin = header.l1Origin
  state.l1Head = header.l1Origin
  state.forcedCursor = header.forcedCursor
  state.forcedNext = header.forcedCursor
  state.marksSeq = header.marksSeq
  state.risk = header.risk
  state.native = nativeAfter(state.config, state.native, record)
  assert(sparseRoot(state.native) === header.nativeRoot, 'a slot names the native state after it')
  for (const [index, entry] of entries.entries()) {
    const uuid = entry.terms.replacementUuid
    const named = uuid !== undefined && entry.sender !== undefined
    rememberSequenced(state.memory, entry.entryId, {
      height: header.height,
      index,
      untilSlot: rememberedUntil(header.height, entry.deadlineSlot),
      ...(named ? { replacement: replacementKey(entry.sender as `0x${string}`, uuid) } : {}),
    })
    state.nextSequence = Math.max(state.nextSequence, entry.sequence + 1)
    if (entry.marks !== undefined) state.marks.set(entry.marks.underlying, entry.marks.sequence)
  }
  applySeen(state, notes)
  for (const { chainId, reason } of notes.stopped) state.stopped.set(chainId, reason)
  for (const { chainId } of notes.resumed) state.stopped.delete(chainId)
  forgetAfter(state.memory, header.height)
}

function applySeen(state: CoreState, { seen, closed }: SlotNotes): void {
  const remember = ({ entryId, untilSlot, legHashes }: SlotNotes['seen'][number]) => {
    for (const hash of legHashes) rememberOwner(state.memory, hash, { entryId, untilSlot })
  }
  seen.forEach(remember)
  for (const { entryId, untilSlot, by } of closed) {
    rememberClosed(state.memory, entryId, { by, untilSlot })
    if (by === 'sender') continue
    // The bundle that replaced it may stand on the same legs.
    handOver(state.memory, state.memory.owned.get(entryId) ?? [], entryId)
    seen.filter((item) => item.entryId === by).forEach(remember)
  }
}

/** What the rollups' nodes say once every block of the log is derived. */
export type ResumedChain = {
  chainId: number
  head: SealedBlock
  systemNonce: number
  /** Number of the last block whose header the log holds. */
  recordedNumber: number
}

/** Goes on after the log's last slot. A head that no slot recorded is noted in the next one. */
export function resume(state: CoreState, chains: readonly ResumedChain[]): void {
  for (const { chainId, head, systemNonce, recordedNumber } of chains) {
    const { number, hash, timestampS, header } = head
    state.heads.set(chainId, { number, hash, timestampS })
    state.systemNonces.set(chainId, systemNonce)
    assert(number <= recordedNumber + 1, 'at most one block of a rollup is not recorded yet')
    if (number > recordedNumber) state.notes.sealed.push({ chainId, header })
  }
}
