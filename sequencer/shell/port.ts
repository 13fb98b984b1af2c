import type { RiskVersion } from '../../sdk/protocol/entry.ts'
import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import type { SignedFeedUpdate } from '../../sdk/protocol/feeds.ts'
import type { AccountId } from '../../sdk/protocol/ids.ts'
import type { NativeId, NativeProof } from '../../sdk/protocol/native.ts'
import type { SignedReceipt, SignedRefusal } from '../../sdk/protocol/receipt.ts'
import { TandemError } from '../../sdk/protocol/errors.ts'
import type { BundleInput } from '../core/bundles/admission.ts'
import type { ChainHead, LegOutcome, SealedBlock } from '../core/entries/execution.ts'
import type { Leg, SignedLeg } from '../core/entries/leg.ts'

/** A bundle whose transactions are decoded: what the gateway hands to the engine. */
export type DecodedBundle = BundleInput

/** What `eth_callBundle` gives: what the bundle would do in the slot to come. */
export type BundlePreview = {
  bundleHash: Hash
  /** Slot and chain blocks that it was simulated for. */
  slot: bigint
  outcomes: readonly (LegOutcome & { leg: Leg; blockNumber: number; sentToCoinbase: bigint })[]
  /** Messages that would be delivered in the slot. */
  deliveries: number
  /** Initial margin before and after, USD × 10^18; absent where it cannot be told. */
  margin?: { account: AccountId; before18: bigint; after18: bigint } | undefined
  /** Why it would be refused; absent when it would stand. */
  refusal?: TandemError | undefined
}

/** A transaction of a published block, in block order. */
export type PublishedLeg = SignedLeg & {
  outcome: Pick<LegOutcome, 'status' | 'gasUsed' | 'logs'>
}

/** A block that became visible, with everything that a history needs. */
export type PublishedBlock = { chainId: number; block: SealedBlock; legs: readonly PublishedLeg[] }

/** All blocks that became visible together. */
export type PublishedSuperblock = {
  superblock: number
  /** Last slot in it. */
  slot: bigint
  blocks: readonly PublishedBlock[]
}

/** How the sequencer stands. */
export type SequencerStatus = {
  logId: Hash
  /** Height of the last durable slot. */
  slot: bigint
  /** Milliseconds since 1970 of that slot. */
  slotTimestampMs: number
  /** Last published superblock. */
  superblock: number
  heads: readonly (ChainHead & { chainId: number })[]
  stopped: readonly { chainId: number; reason: string }[]
  queued: number
  held: number
  marksSeq: bigint
  /** What margins rest on. */
  risk: RiskVersion
}

/** A bundle that was taken; without a receipt while it waits for its nonce, block or time. */
export type AcceptedBundle = { entryId: Hash; receipt?: SignedReceipt | undefined }

/** A bundle that was cancelled, with its legs in their order. */
export type CancelledBundle = { entryId: Hash; legHashes: readonly Hash[] }

/** Everything that the gateway asks of the engine. */
export type SequencerPort = {
  /** @throws {@link RefusedError} with the signed refusal. */
  sendBundle: (bundle: DecodedBundle) => Promise<SignedReceipt>
  /**
   * Takes a bundle and answers when it is durable in a slot, or when it must wait and survives a crash:
   * what Flashbots' clients expect of `eth_sendBundle`.
   */
  acceptBundle: (bundle: DecodedBundle) => Promise<AcceptedBundle>
  /** Like a bundle of one leg that may revert; answers when its slot is durable. */
  sendTransaction: (leg: Leg) => Promise<SignedReceipt>
  /**
   * Takes a transaction and answers when it is durable in a slot, with its receipt, or when it waits
   * for its nonce, with nothing: what `eth_sendRawTransaction` promises.
   */
  acceptTransaction: (leg: Leg) => Promise<SignedReceipt | undefined>
  callBundle: (bundle: DecodedBundle) => Promise<BundlePreview>
  /** `owner` was authenticated by the gateway. */
  cancelBundle: (request: { owner: Address; replacementUuid: string }) => Promise<CancelledBundle>
  /** The gateway checked the shape; the engine checks m of n signatures. */
  publishMarks: (update: SignedFeedUpdate) => Promise<SignedReceipt>
  /**
   * Lets a stopped rollup go on; gives its head with the block that was withheld.
   *
   * @throws TandemError with the reason why it stays stopped.
   */
  resume: (chainId: number) => Promise<ChainHead>
  /** The receipt of an entry in the log; undefined when there is none. */
  receiptOf: (entryId: Hash) => Promise<SignedReceipt | undefined>
  /** Proves a leaf of the native state after the last slot that every reader sees. */
  nativeProof: (id: NativeId) => NativeProof
  /** Nonce after everything promised and the gap-free waiting transactions. */
  pendingNonce: (chainId: number, address: Address) => Promise<number>
  status: () => SequencerStatus
  /** Signs a refusal of input that never became an entry: `requestHash` is keccak256 of its bytes. */
  refuse: (requestHash: Hash, error: TandemError) => SignedRefusal
  /**
   * Calls `listener` for every superblock from the first on, past ones first, in order, once each.
   *
   * @param after - Begins after this superblock, whose last slot is `slot`.
   */
  subscribe: (
    listener: (superblock: PublishedSuperblock) => void,
    after?: { superblock: number; slot: number },
  ) => Promise<() => void>
}

/** A request was refused; the refusal is signed. */
export class RefusedError extends TandemError {
  readonly refusal: SignedRefusal

  constructor(refusal: SignedRefusal) {
    super(refusal.error, refusal.values)
    this.refusal = refusal
  }
}
