import { hashTypedData, keccak256 } from 'viem/utils'
import { hexToBytes } from './bytes.ts'
import { tandemDomain } from './feeds.ts'
import type { Hash, Hex } from './hex.ts'
import { RecordError } from './record-reader.ts'
import { decodeGenesisRecord, decodeSlotRecord, slotBodyHash } from './slot-codec.ts'
import { slotHash, type GenesisRecord, type SlotRecord } from './slot.ts'

/** One durable slot as `/feed` tells it: its record, its hash, and the sequencer's word for it. */
export type SlotFrame = {
  type: 'slot'
  version: 1
  height: number
  hash: Hash
  /** The bytes of the record as they stand in the log. */
  record: Hex
  /** Over `SlotAnnouncement{height, slotHash}` under the network's domain. */
  signature: Hex
}

/** Why the feed ends: the request cannot be served. */
export type SlotFeedEnd = { type: 'end'; version: 1; error: string; message: string }

/** EIP-712 types of what is signed: two of one height with two hashes prove a lie. */
const slotAnnouncementTypes = {
  SlotAnnouncement: [
    { name: 'height', type: 'uint64' },
    { name: 'slotHash', type: 'bytes32' },
  ],
} as const

/** What the sequencer signs when it tells a slot. */
export function slotAnnouncementDigest(logId: Hash, slot: { height: number; hash: Hash }): Hash {
  return hashTypedData({
    domain: tandemDomain(logId),
    types: slotAnnouncementTypes,
    primaryType: 'SlotAnnouncement',
    message: { height: BigInt(slot.height), slotHash: slot.hash },
  })
}

/** Gives the hash of a record of the log, which the next slot names as its parent. */
export function recordHash(logId: Hash, height: number, bytes: Uint8Array): Hash {
  return height === 0 ? keccak256(bytes) : slotHash(logId, decodeSlotRecord(bytes).header)
}

/** What a frame breaks. */
export type SlotFrameFault = 'height' | 'record' | 'network' | 'hash' | 'body' | 'parent'

/** A frame's content once everything but its signature is checked. */
export type CheckedSlot = {
  height: number
  hash: Hash
  /** Absent for slot 0. */
  record?: SlotRecord | undefined
  /** For slot 0 alone. */
  genesis?: GenesisRecord | undefined
}

/**
 * Checks that a frame is the slot that follows `parent`: its record leads to its hash, and names its
 * parent. The signature over {@link slotAnnouncementDigest} is left to the caller.
 *
 * @param parent - The slot before; undefined takes the first frame's parent on trust.
 */
export function checkSlotFrame(
  logId: Hash,
  frame: SlotFrame,
  expected: { height: number; parentHash?: Hash | undefined },
): { fault: SlotFrameFault } | { fault?: undefined; slot: CheckedSlot } {
  const { height, hash } = frame
  if (height !== expected.height) return { fault: 'height' }
  try {
    const bytes = hexToBytes(frame.record)
    if (height === 0) {
      const genesis = decodeGenesisRecord(bytes)
      if (genesis.logId !== logId) return { fault: 'network' }
      return keccak256(bytes) === hash ? { slot: { height, hash, genesis } } : { fault: 'hash' }
    }
    const record = decodeSlotRecord(bytes)
    if (record.header.height !== height) return { fault: 'height' }
    if (slotHash(logId, record.header) !== hash) return { fault: 'hash' }
    if (slotBodyHash(record) !== record.header.bodyHash) return { fault: 'body' }
    const { parentHash } = expected
    if (parentHash !== undefined && record.header.parentHash !== parentHash) {
      return { fault: 'parent' }
    }
    return { slot: { height, hash, record } }
  } catch (error) {
    if (error instanceof RecordError) return { fault: 'record' }
    throw error
  }
}
