import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { CoreConfig } from '../../core/config.ts'
import type { Difference } from '../../core/entries/execution.ts'
import type { FormedSlot } from '../../core/input.ts'
import type { Leg } from '../../core/entries/leg.ts'
import type { SignSystemCall } from '../../core/slots/record.ts'
import type { ChainDriver } from '../drivers/driver.ts'
import type { Faultpoint } from '../faults.ts'
import type { LogStore } from '../log/log-store.ts'
import type { FeedSet } from '../marks.ts'
import type { RecoveryPoints } from '../recovery/points.ts'
import type { MarginProbe } from './probes.ts'
import type { SignDigest } from '../signing.ts'
import type { WaitingRoom } from '../waiting/waiting-room.ts'

/** Time as the engine sees it. */
export type Clock = {
  /** Milliseconds since 1970; may jump. */
  nowMs: () => number
  /** Milliseconds since some moment; never goes back, never jumps. */
  elapsedMs: () => number
  /** Calls `run` after `ms` milliseconds; the answer calls it off. */
  after: (ms: number, run: () => void) => () => void
}

/** What an operator may want to know. */
export type EngineEvent =
  | { type: 'slot'; slot: FormedSlot; recordBytes: number; durableMs: number }
  | { type: 'superblock'; superblock: number; chainIds: readonly number[]; closedMs: number }
  | { type: 'refused'; error: string }
  | { type: 'difference'; chainId: number; difference: Difference; again: boolean }
  | { type: 'stopped'; chainId: number; reason: string }
  | { type: 'resumed'; chainId: number }
  | { type: 'nodeLost'; chainId: number; reason: string }
  | { type: 'nodeRestored'; chainId: number; blocks: number; elapsedMs: number }
  /** A recovery point was written: a restart goes on from here. */
  | { type: 'point'; height: number; bytes: number; elapsedMs: number }
  | { type: 'pointFailed'; reason: string }
  /** A recovery point on disk cannot be used. */
  | { type: 'pointSkipped'; name: string; reason: string }
  | { type: 'replayed'; slots: number; blocks: number; elapsedMs: number }

/** How far a restart may have to go back, and what is given up behind that. */
export type RecoverySettings = {
  /** Blocks of one rollup after which a recovery point is made. */
  blocks: number
  /** Slots after which one is made. */
  slots: number
  /** Legs after which one is made. */
  legs: number
  /**
   * Segments of the log that lie wholly before the oldest recovery point are deleted, as far as nobody
   * else needs them: gives the lowest height that is still needed. Absent: everything is kept.
   */
  pruneBelow?: (() => number) | undefined
}

/** What {@link startEngine} needs. */
export type EngineOptions = {
  config: CoreConfig
  /** Hash of each rollup's genesis file, by chain id: slot 0 names them. */
  genesisHashes: ReadonlyMap<number, Hash>
  log: LogStore
  /** One per chain of the configuration. */
  drivers: ReadonlyMap<number, ChainDriver>
  /** By the key that receipts and refusals are signed with. */
  signDigest: SignDigest
  /** By the key that sends system legs. */
  signSystem: SignSystemCall
  feeds: FeedSet
  /** Tells margins in simulated states; without it nothing that asks for one stands. */
  margin?: MarginProbe | undefined
  clock: Clock
  points: RecoveryPoints
  /** When the next recovery point is made. */
  recovery: RecoverySettings
  /** Keeps what is answered before it is in the log. */
  waiting: WaitingRoom
  /** Decodes what {@link waiting} kept. @throws TandemError when it is not valid any more. */
  decodeLeg: (chainId: number, rawTx: Hex) => Leg
  observe: (event: EngineEvent) => void
  /** Where a test may stop the process; default nowhere. */
  faultpoint?: Faultpoint | undefined
  /** Ends the program: what happened cannot be handled. */
  fail: (error: unknown) => void
}
