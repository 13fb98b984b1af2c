import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import type { RiskVersion, Voided } from '../../sdk/protocol/entry.ts'
import type { AccountId } from '../../sdk/protocol/ids.ts'
import type { L1Origin, SlotNotes } from '../../sdk/protocol/slot.ts'
import type { BundleInput, MarksInput } from './bundles/admission.ts'
import type { LiquidationInput } from './risk/risk.ts'
import type { Entry, Fault } from './entries/entry.ts'
import type {
  AccountFacts,
  BlockEnv,
  ChainHead,
  Difference,
  LegOutcome,
  SealedBlock,
  Simulation,
} from './entries/execution.ts'
import type { ForcedInput } from './bundles/forced.ts'
import type { SimulateEffect, Skips } from './slots/formation.ts'
import type { Leg } from './entries/leg.ts'
import type { PlacedStep } from './slots/program.ts'

/** What mining a rollup's block gave. */
export type SealOutcome = { chainId: number } & (
  | { kind: 'sealed'; block: SealedBlock }
  | { kind: 'difference'; difference: Difference }
)

/** Everything that can happen to the core. `requestId` names who waits for an answer. */
export type CoreEvent =
  | { type: 'transaction'; requestId: number; leg: Leg }
  | { type: 'bundle'; requestId: number; bundle: BundleInput }
  | { type: 'marks'; requestId: number; marks: MarksInput }
  /** Margins of every account rest on this version outside the core. */
  | { type: 'risk'; requestId: number; risk: RiskVersion }
  /** An account stands below its line. */
  | { type: 'liquidation'; requestId: number; start: LiquidationInput }
  | { type: 'preview'; requestId: number; bundle: BundleInput }
  /** The owner is authenticated. */
  | { type: 'cancel'; requestId: number; owner: Address; replacementUuid: string }
  | { type: 'tick' }
  /** Facts of accounts at the end of `head`. */
  | { type: 'accounts'; chainId: number; head: ChainHead; facts: readonly AccountFacts[] }
  | { type: 'simulated'; ticket: number; chainId: number; simulation: Simulation }
  /** A slot, and all before it, survive a crash. */
  | { type: 'durable'; height: number }
  | { type: 'sealed'; superblock: number; outcomes: readonly SealOutcome[] }
  /** With the system key's next nonce on each chain that was resumed. */
  | {
      type: 'published'
      superblock: number
      systemNonces?: ReadonlyMap<number, number> | undefined
    }
  /**
   * A stopped rollup shall go on. Its node was seen to do what the withheld block promised.
   *
   * @param slot - The one that opened that block; 0 when none was withheld.
   */
  | { type: 'resume'; chainId: number; slot: number }
  /**
   * A block of `l1` that no reorganisation is expected to take back any more, with what its inbox took
   * since the last one, in order; what is known already is passed over.
   */
  | { type: 'l1'; origin: L1Origin; forced?: readonly ForcedInput[] | undefined }

/**
 * An event with the time at which it came: `nowMs` since 1970, by a clock that may jump, and `elapsedMs`
 * by one that only runs. Slots are dated by the first and paced by the second.
 */
export type CoreInput = CoreEvent & { nowMs: number; elapsedMs: number }

/** One leg of a formed slot with what was promised. System calls are signed when it is recorded. */
export type FormedStep = PlacedStep & { outcome: LegOutcome }

/** A slot with its verdicts: what is appended to the log. */
export type FormedSlot = {
  height: number
  superblock: number
  timestampMs: number
  l1Origin: L1Origin
  forcedCursor: number
  marksSeq: bigint
  risk: RiskVersion
  /** Of the native state after the slot. */
  nativeRoot: Hash
  entries: readonly Entry[]
  /** Legs that were left out, by entry. */
  skips: Skips
  /** Entries without effect, with the reason. */
  voided: ReadonlyMap<Hash, Voided>
  /** Ascending by chain id. */
  chains: readonly { chainId: number; env: BlockEnv; steps: readonly FormedStep[] }[]
  notes: SlotNotes
  /** What this slot's simulation refused: answered when the slot is durable. */
  refused: readonly { entryId: Hash; waiters: readonly number[]; fault: Fault }[]
}

/** What a preview found. */
export type Preview = {
  entryId: Hash
  height: number
  /** In the order of the legs, without those that are left out; none when it was refused before it ran. */
  outcomes: readonly (LegOutcome & { leg: number; blockNumber: number; sentToCoinbase: bigint })[]
  deliveries: number
  /** Initial margin before and after the bundle, USD × 10^18. */
  margin: { account: AccountId; before18: bigint; after18: bigint } | undefined
  fault?: Fault | undefined
}

/** What the core wants done. */
export type Effect =
  | SimulateEffect
  | { type: 'readAccounts'; chainId: number; addresses: readonly Address[] }
  | { type: 'append'; slot: FormedSlot }
  | { type: 'refuse'; entryId: Hash; waiters: readonly number[]; fault: Fault }
  /** The entry is in the log already: the first receipt is the answer. */
  | { type: 'known'; requestId: number; entryId: Hash; height: number }
  /** The entry waits for its nonce, its time or its funds. */
  | { type: 'held'; entryId: Hash; waiters: readonly number[] }
  | {
      type: 'cancelled'
      requestId: number
      entryId: Hash
      legHashes: readonly Hash[]
      height: number
    }
  | { type: 'notCancelled'; requestId: number; fault: Fault; requestName: string }
  | { type: 'previewed'; requestId: number; preview: Preview }
  /** Mine the open blocks of these chains, each as recorded; `again` after a roll-back of all. */
  | { type: 'seal'; superblock: number; chainIds: readonly number[]; again: boolean }
  /** Make the blocks visible together; roll back the chains that stopped. */
  | {
      type: 'publish'
      superblock: number
      chainIds: readonly number[]
      rollBack: readonly number[]
    }
  | { type: 'stopped'; chainId: number; reason: string }
  | { type: 'resumed'; chainId: number }
