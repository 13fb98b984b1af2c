import { assert } from '../../sdk/protocol/assert.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { rememberedUntil } from './complete.ts'
import type { CoreConfig } from './config.ts'
import { replacementKey } from './entry.ts'
import type { ChainHead } from './execution.ts'
import { emptyMemory, forgetAfter, rememberClosed, rememberOwner, rememberSequenced } from './memory.ts'
import { emptyNotes, type CoreState } from './state.ts'
import { noSuperblock } from './superblock.ts'

/** The state after slot 0. Heads and system nonces come with {@link resume}. */
export function initialState(config: CoreConfig): CoreState {
  return {
    config,
    nowMs: 0,
    height: 0,
    durableHeight: 0,
    timestampMs: 0,
    busyMs: 0,
    superblock: noSuperblock(0),
    heads: new Map(),
    touchedMs: new Map(),
    stopped: new Map(),
    systemNonces: new Map(),
    accounts: new Map(),
    ready: [],
    reading: new Map(),
    held: new Map(),
    pending: new Map(),
    heldBySender: new Map(),
    marks: new Map(),
    marksSeq: 0n,
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
  const { header, entries, chains, notes } = record
  assert(header.height === state.height + 1, 'heights are contiguous (I1)')
  assert(header.timestampMs > state.timestampMs, 'slot time strictly increases (I13)')
  state.height = header.height
  state.durableHeight = header.height
  state.timestampMs = header.timestampMs
  state.nowMs = Math.max(state.nowMs, header.timestampMs)
  state.superblock = noSuperblock(header.superblock)
  state.marksSeq = header.marksSeq
  for (const [index, entry] of entries.entries()) {
    const uuid = entry.terms.replacementUuid
    const named = uuid !== undefined && entry.sender !== undefined
    rememberSequenced(state.memory, entry.entryId, {
      height: header.height,
      index,
      untilSlot: rememberedUntil(header.height, entry.deadlineSlot),
      ...(named ? { replacement: replacementKey(entry.sender as `0x${string}`, uuid) } : {}),
    })
    if (entry.marks !== undefined) state.marks.set(entry.marks.underlying, entry.marks.sequence)
  }
  for (const { chainId } of chains) state.touchedMs.set(chainId, header.timestampMs)
  for (const { entryId, untilSlot, legHashes } of notes.seen) {
    for (const hash of legHashes) rememberOwner(state.memory, hash, { entryId, untilSlot })
  }
  for (const { entryId, untilSlot, by } of notes.closed) {
    rememberClosed(state.memory, entryId, { by, untilSlot })
  }
  for (const { chainId, reason } of notes.stopped) state.stopped.set(chainId, reason)
  forgetAfter(state.memory, header.height)
}

/** Goes on after the log's last slot, with what the rollups' nodes say once every block is derived. */
export function resume(
  state: CoreState,
  chains: readonly { chainId: number; head: ChainHead; systemNonce: number }[],
): void {
  for (const { chainId, head, systemNonce } of chains) {
    state.heads.set(chainId, head)
    state.systemNonces.set(chainId, systemNonce)
  }
}
