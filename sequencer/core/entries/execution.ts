import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { concatBytes, hexToBytes } from '../../../sdk/protocol/bytes.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'

/** Everything that a block's execution can see besides the state. */
export type BlockEnv = {
  number: number
  parentHash: Hash
  /** Seconds since 1970: never below the parent's. */
  timestampS: number
  prevRandao: Hash
  /** Wei per gas, constant per rollup. */
  baseFeePerGas: bigint
  gasLimit: bigint
  coinbase: Address
}

/** One log of one leg. */
export type LegLog = {
  /** Lower case. */
  address: Address
  topics: readonly Hash[]
  data: Hex
}

/** What one leg did: the same in a simulation and in a block. */
export type LegOutcome = {
  status: 0 | 1
  gasUsed: bigint
  logs: readonly LegLog[]
  /** Return data or revert data; known from simulations alone. */
  output: Hex
}

/** What a leg must do in its block: a block's receipts tell no more. */
export type ExpectedOutcome = Pick<LegOutcome, 'status' | 'gasUsed' | 'logs'>

/** What simulating a list of calls gave. */
export type Simulation =
  /** One outcome per call, in order; one answer per probe. */
  | { kind: 'outcomes'; outcomes: readonly LegOutcome[]; answers: readonly ProbeAnswer[] }
  /** The call at `index` makes the whole list impossible (funds, intrinsic gas, fee rules). */
  | { kind: 'invalid'; index: number; reason: string }
  /** The environment's parent is not the node's head any more: ask again with a new one. */
  | { kind: 'stale'; head: ChainHead }

/** A question about the state after the first `after` calls of a list. */
export type Probe = { after: number } & (
  | { what: 'storage'; address: Address; slots: readonly Hash[] }
  | { what: 'balance'; address: Address }
  /** Initial margin of an account by the hub's books. */
  | { what: 'margin'; account: AccountId }
)

/** Answer to a {@link Probe}. */
export type ProbeAnswer =
  | { what: 'storage'; values: readonly Hash[] }
  | { what: 'balance'; wei: bigint }
  /** USD × 10^18, signed. */
  | { what: 'margin'; initial18: bigint }
  | { what: 'unknown'; reason: string }

/** A chain's place: its last block. */
export type ChainHead = {
  number: number
  hash: Hash
  /** Seconds since 1970. */
  timestampS: number
}

/** A block that was mined and compared, with its header as RLP; keccak256 of it is the hash. */
export type SealedBlock = ChainHead & { header: Hex }

/** What an account has at the published head. */
export type AccountFacts = {
  /** Lower case. */
  address: Address
  /** Transactions it has sent. */
  nonce: number
  /** Wei. */
  balance: bigint
  hasCode: boolean
}

/** First place where a mined block does something else than its legs promised. */
export type Difference = {
  /** Place of the leg in the block; absent where the block as a whole differs. */
  index?: number | undefined
  what: 'order' | 'status' | 'gasUsed' | 'logs' | 'count' | 'header'
  expected: string
  actual: string
}

/** PREVRANDAO that a rollup's node gives its block: keccak256(parentHash ‖ number as uint64 little endian). */
export function prevRandaoOf(parentHash: Hash, number: number): Hash {
  const littleEndian = new Uint8Array(8)
  new DataView(littleEndian.buffer).setBigUint64(0, BigInt(number), true)
  return keccak256(concatBytes([hexToBytes(parentHash), littleEndian]))
}
