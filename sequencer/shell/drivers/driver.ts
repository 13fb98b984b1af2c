import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type {
  AccountFacts,
  BlockEnv,
  ChainHead,
  Difference,
  ExpectedOutcome,
  LegOutcome,
  SealedBlock,
  Simulation,
} from '../../core/entries/execution.ts'
import type { Call, SignedLeg } from '../../core/entries/leg.ts'
import type { NodeCall } from './ipc.ts'

/** One block to be: its environment, its transactions in order, and what each must do. */
export type BlockPlan = {
  env: BlockEnv
  legs: readonly SignedLeg[]
  /** One per leg. */
  expected: readonly ExpectedOutcome[]
}

/** What mining a plan gave: the block, or the first difference with the block left unpublished. */
export type SealResult =
  | { kind: 'sealed'; block: SealedBlock }
  | { kind: 'difference'; difference: Difference }

/** What simulating calls gave, without the answers to any probe. */
export type Simulated =
  | Exclude<Simulation, { kind: 'outcomes' }>
  | { kind: 'outcomes'; outcomes: readonly LegOutcome[] }

/** What is read in a simulated state: a call's return data, words of an account's storage, its wei. */
export type Look = { to: Address } & (
  | { input: Hex }
  | { slots: readonly Hash[] }
  | { balance: true }
)

/** What was seen: return data, or the words one after another. */
export type Looked =
  | { kind: 'data'; data: Hex }
  | { kind: 'failed'; reason: string }
  | { kind: 'stale'; head: ChainHead }

/**
 * Drives the node of one rollup and owns it. Calls are answered in order; a read between `seal` and
 * `publish` still sees the published head. Every method may throw {@link NodeLostError}; then only
 * `restore` and `stop` do anything.
 */
export type ChainDriver = {
  readonly chainId: number
  /**
   * Starts the node from the newest usable snapshot, else from genesis with its empty block 1 mined.
   * Ends a node that an earlier process left. What comes after the head is derived by `seal`.
   */
  start: () => Promise<SealedBlock>
  /** Ends what is left of the node and starts it again, like `start`. */
  restore: () => Promise<SealedBlock>
  /** The published head, as of the last `publish`, `start` or `restore`. */
  head: () => ChainHead
  /** Facts at the published head, in the order asked, with that head. */
  accounts: (
    addresses: readonly Address[],
  ) => Promise<{ head: ChainHead; facts: readonly AccountFacts[] }>
  /**
   * Asks the node something about the published head: `ask` gets that head and must name its number
   * as the block. Asked again with the new head when the node has forgotten the old one meanwhile.
   *
   * @throws NodeRpcError with the node's own words when it refuses.
   */
  read: <T>(ask: (head: ChainHead) => NodeCall) => Promise<T>
  /**
   * Runs calls in order on the published head, under `env`; changes nothing that is published. A list
   * with a contract creation is tried in a block that is taken back, after what was asked before.
   */
  simulate: (env: BlockEnv, calls: readonly Call[]) => Promise<Simulated>
  /** Reads something in the state after calls that {@link ChainDriver.simulate} took; changes nothing. */
  look: (env: BlockEnv, calls: readonly Call[], what: Look) => Promise<Looked>
  /**
   * Sends legs of the open block ahead, in order, after those staged before. A hint: `seal` sends what
   * is missing and drops what is foreign.
   */
  stage: (legs: readonly SignedLeg[]) => Promise<void>
  /** Mines the plan on the published head and compares. Without a difference `publish` may follow. */
  seal: (plan: BlockPlan) => Promise<SealResult>
  /** Makes the sealed block the published head. */
  publish: () => Promise<void>
  /** Goes back to the published head and empties the pool. */
  rollback: () => Promise<void>
  /** Writes a snapshot of the published head from which `start` can go on; durable when done. */
  snapshot: () => Promise<ChainHead>
  /** Ends the node. */
  stop: () => Promise<void>
}

/** A rollup's node is gone or does not answer. The engine restores it and derives what it missed. */
export class NodeLostError extends BaseError {
  override readonly name = 'NodeLostError'
  readonly chainId: number

  constructor(chainId: number, reason: string, cause?: unknown) {
    super(`The node of chain ${chainId} is lost.`, {
      code: 'NODE_LOST',
      retryable: true,
      metaMessages: [reason],
      cause,
    })
    this.chainId = chainId
  }
}
