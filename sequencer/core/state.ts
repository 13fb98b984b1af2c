import type { RiskVersion } from '../../sdk/protocol/entry.ts'
import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import type { AccountTable } from './entries/accounts.ts'
import type { CoreConfig } from './config.ts'
import type { AccountKey, Entry } from './entries/entry.ts'
import type { ChainHead } from './entries/execution.ts'
import type { Formation } from './slots/formation.ts'
import type { Memory } from './snapshot/memory.ts'
import type { PreviewRun } from './bundles/preview.ts'
import type { Superblock } from './superblocks/superblock.ts'
import type { SparseTree } from '../../sdk/protocol/sparse-merkle.ts'
import type { L1Origin, SlotNotes } from '../../sdk/protocol/slot.ts'

/** Why an entry waits although it was taken. */
export type HeldFor =
  /** A smaller nonce of this account must come first. */
  | { type: 'nonce'; key: AccountKey }
  /** The account's balance must be read again, or its chain must publish first. */
  | { type: 'funds'; key: AccountKey }
  /** Its first slot or time has not come. */
  | { type: 'time' }

/** An entry that waits. */
export type Held = { entry: Entry; for: HeldFor }

/** Everything that the core knows. Owned by `step`, which changes it in place. */
export type CoreState = {
  readonly config: CoreConfig
  /** Time of the last input, milliseconds since 1970: it may go back. */
  nowMs: number
  /** Time of the last input by a clock that only runs, in milliseconds. */
  elapsedMs: number
  /** Height of the last slot that was formed. */
  height: number
  /** Height of the last durable slot. */
  durableHeight: number
  /** Time of the last slot that was formed, milliseconds since 1970. */
  timestampMs: number
  /** When the last slot was formed, in elapsed milliseconds; undefined before the first of this run. */
  slotAtMs: number | undefined
  /** When the last slot with entries was formed, in elapsed milliseconds. */
  busyAtMs: number
  superblock: Superblock
  /** Published heads by chain. */
  heads: Map<number, ChainHead>
  /** When a chain was touched last, in elapsed milliseconds of this run. */
  touchedAtMs: Map<number, number>
  /** Reasons of the chains that stopped. */
  stopped: Map<number, string>
  /** Next nonce of the system key by chain, after everything promised. */
  systemNonces: Map<number, number>
  accounts: AccountTable
  /** Entries that may go into the next slot, in the order in which they will be tried. */
  ready: Entry[]
  /** Entries whose accounts are being read, by entry id. */
  reading: Map<Hash, Entry>
  held: Map<Hash, Held>
  /** Every entry that is ready, being read, held or in a formation, by id. */
  pending: Map<Hash, Entry>
  /** Entry that a waiting leg was first seen with, by transaction hash. */
  firstSeen: Map<Hash, Hash>
  heldBySender: Map<Address, number>
  /** Last block of `l1` that was reported with everything in its inbox. */
  l1Head: L1Origin
  /** Block of `l1` that the last slot names. */
  l1Origin: L1Origin
  /** Bundles of the inbox on `l1` that stand in the log. */
  forcedCursor: number
  /** Bundles of the inbox on `l1` that were reported. */
  forcedNext: number
  /** Entries that wait, by lane. */
  pendingByLane: number[]
  /** Bundles of a sender that failed, and the slot in which the first of them did. */
  failures: Map<Address, { count: number; sinceSlot: number }>
  /** Last sequence of marks by underlying. */
  marks: Map<number, bigint>
  marksSeq: bigint
  /** What margins rest on after the last slot that was formed. */
  risk: RiskVersion
  /** Claims, positions, credit and marks after the last slot that was formed. */
  native: SparseTree
  /** What was seen, cancelled or sequenced inside the horizon. */
  memory: Memory
  /** Notes for the next slot. */
  notes: { -readonly [K in keyof SlotNotes]: SlotNotes[K][number][] }
  /** The slot being formed. */
  formation: Formation | undefined
  previews: Map<number, PreviewRun>
  nextSequence: number
  nextTicket: number
}

/** Notes of a slot that has nothing to tell. */
export function emptyNotes(): CoreState['notes'] {
  return { sealed: [], seen: [], closed: [], stopped: [], resumed: [] }
}

/** Says whether the slot to come has something to tell that should not wait for entries. */
export function hasNotes({ notes, superblock }: CoreState): boolean {
  const { seen, closed, stopped, resumed } = notes
  // What stopped inside an open superblock is told when that one is closed.
  const stops = superblock.phase === 'open' ? 0 : stopped.length
  return seen.length + closed.length + resumed.length + stops > 0
}

/**
 * Takes the notes of the slot that is made.
 *
 * @param first - It opens a superblock: only then it tells what stopped, so that everybody knows whose
 *   block is withheld.
 */
export function takeNotes(state: CoreState, first: boolean): SlotNotes {
  const { notes } = state
  state.notes = emptyNotes()
  if (first) return notes
  state.notes.stopped = notes.stopped
  return { ...notes, stopped: [] }
}

/** Time of the slot to come: now, and always above the slot before; milliseconds since 1970. */
export function nextTimestampMs(state: CoreState): number {
  return Math.max(state.nowMs, state.timestampMs + 1)
}
