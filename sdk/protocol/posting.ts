import { hashTypedData } from 'viem/utils'
import { keccak256 } from './keccak.ts'
import { tandemDomain } from './feeds.ts'
import type { Hash, Hex } from './hex.ts'
import { doubleHash } from './words.ts'

/** Consecutive slots as `SlotLedger` on `l1` takes them. */
export type SlotBatch = {
  /** Height of the first slot. */
  firstSlot: bigint
  /** Slots in it, at least 1. */
  count: number
  /** Hash of the slot before; zero before slot 0. */
  parentHash: Hash
  /** Hash of the last slot. */
  tipHash: Hash
  /** Merkle root over {@link slotLeaf}. */
  slotsRoot: Hash
}

/** EIP-712 types of what the sequencer signs for a batch; the domain is the network's. */
const slotBatchTypes = {
  SlotBatch: [
    { name: 'firstSlot', type: 'uint64' },
    { name: 'count', type: 'uint32' },
    { name: 'parentHash', type: 'bytes32' },
    { name: 'tipHash', type: 'bytes32' },
    { name: 'slotsRoot', type: 'bytes32' },
    { name: 'dataHash', type: 'bytes32' },
  ],
} as const

/** What the sequencer signs so that a batch with these bytes of data is taken. */
export function slotBatchDigest(logId: Hash, batch: SlotBatch, data: Hex): Hash {
  return hashTypedData({
    domain: tandemDomain(logId),
    types: slotBatchTypes,
    primaryType: 'SlotBatch',
    message: { ...batch, dataHash: keccak256(data) },
  })
}

/** A slot as a batch commits to it: its hash, and the root over the receipts that were signed for it. */
export type PostedSlot = { slot: bigint; slotHash: Hash; receiptRoot: Hash }

/** Leaf of one slot in its batch's tree. */
export function slotLeaf({ slot, slotHash, receiptRoot }: PostedSlot): Hash {
  return doubleHash([slot, slotHash, receiptRoot])
}
