import type { Hash, Hex } from './hex.ts'
import type { Voided } from './entry.ts'
import type { ErrorName, ErrorValues } from './errors.ts'

/** What the sequencer promises for one entry: its place in the log and its result. */
export type Preconfirmation = {
  slot: bigint
  view: bigint
  /** Place among the slot's entries. */
  index: number
  entryId: Hash
  /** Merkle root over the results of the entry's legs; of a voided entry the hash of its reason. */
  resultRoot: Hash
  /** Last slot in which the entry might stand. */
  deadlineSlot: bigint
  issuedAtMs: number
}

/** Result of one leg: what the receipt commits to. */
export type LegResult = {
  chainId: number
  transactionHash: Hash
  /** 1: succeeded; 0: reverted, which it was allowed to; 2: left out of the bundle, in no block. */
  status: 0 | 1 | 2
  gasUsed: bigint
  /** keccak256 over the leg's logs; see `logsHash`. */
  logsHash: Hash
  /** Superblock number of the chain that carries the leg. */
  blockNumber: bigint
}

/** A receipt as a client gets it: one signature over the slot's receipts, and the branch to it. */
export type SignedReceipt = {
  version: 1
  preconfirmation: Preconfirmation
  /** One per leg; none when the entry is voided. */
  results: readonly LegResult[]
  /** Present when the entry stands in the log without effect. */
  voided?: Voided | undefined
  /** Merkle root over the slot's preconfirmations. */
  receiptRoot: Hash
  branch: readonly Hash[]
  /** Over `SlotReceipts{slot, view, receiptRoot}` under the network's domain. */
  signature: Hex
}

/** A rejected request with its reason, signed: censorship becomes provable. */
export type SignedRefusal = {
  version: 1
  /** Entry id of what was refused; for malformed input the hash of the request's bytes. */
  requestHash: Hash
  error: ErrorName
  values: ErrorValues
  /** Slot height at which it was refused. */
  slot: bigint
  issuedAtMs: number
  signature: Hex
}

/** EIP-712 types of the batch signature; the domain is the network's. */
export const slotReceiptsTypes = {
  SlotReceipts: [
    { name: 'slot', type: 'uint64' },
    { name: 'view', type: 'uint64' },
    { name: 'receiptRoot', type: 'bytes32' },
  ],
} as const

/** EIP-712 types of a refusal; `valuesHash` is keccak256 of the values as canonical JSON. */
export const refusalTypes = {
  Refusal: [
    { name: 'requestHash', type: 'bytes32' },
    { name: 'error', type: 'string' },
    { name: 'valuesHash', type: 'bytes32' },
    { name: 'slot', type: 'uint64' },
    { name: 'issuedAtMs', type: 'uint64' },
  ],
} as const
