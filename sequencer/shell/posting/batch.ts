import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { bytesToHex } from '../../../sdk/protocol/bytes.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { EMPTY_ROOT, merkleRoot } from '../../../sdk/protocol/merkle.ts'
import { slotLeaf, type PostedSlot, type SlotBatch } from '../../../sdk/protocol/posting.ts'
import { decodeSlotRecord } from '../../../sdk/protocol/slot-codec.ts'
import { slotHash } from '../../../sdk/protocol/slot.ts'
import { receiptsOf } from '../../core/slots/record.ts'
import type { LogStore } from '../log/log-store.ts'
import { packRecords } from './batch-data.ts'

/** A batch and the bytes that go with it. */
export type PackedBatch = { batch: SlotBatch; data: Hex }

/** Slots that one batch holds at most; `SlotLedger` takes no more. */
const SLOTS_MAX = 4_096

/** Bytes of records that are packed at once: with usual slots they come to a few dozen kilobytes. */
const RECORD_BYTES = 1_024 * 1_024

/** Bytes of data that a batch of more than one slot does not exceed: nodes pass on no larger transaction. */
const DATA_BYTES = 96 * 1_024

/**
 * Packs the slots from a height on into one batch, as many as fit.
 *
 * @param range.until - Last height that may be posted.
 * @param parentHash - Hash of the slot before `range.from`.
 * @param known - What is known of slots without reading their records.
 */
export async function packBatch(
  log: LogStore,
  logId: Hash,
  {
    range,
    parentHash,
    known,
  }: {
    range: { from: number; until: number }
    parentHash: Hash
    known: (height: number) => PostedSlot | undefined
  },
): Promise<PackedBatch> {
  let records = await readRecords(log, range)
  let data = packRecords(records)
  while (data.length > DATA_BYTES && records.length > 1) {
    records = records.slice(0, Math.ceil(records.length / 2))
    data = packRecords(records)
  }
  const slots = records.map((record, i) => {
    const height = range.from + i
    return known(height) ?? postedSlot(logId, height, record)
  })
  const batch: SlotBatch = {
    firstSlot: BigInt(range.from),
    count: slots.length,
    parentHash,
    tipHash: slots.at(-1)?.slotHash ?? parentHash,
    slotsRoot: merkleRoot(slots.map(slotLeaf)),
  }
  return { batch, data: bytesToHex(data) }
}

/** A record as a batch commits to it. */
export function postedSlot(logId: Hash, height: number, bytes: Uint8Array): PostedSlot {
  const slot = BigInt(height)
  if (height === 0) return { slot, slotHash: keccak256(bytes), receiptRoot: EMPTY_ROOT }
  const record = decodeSlotRecord(bytes)
  const { receiptRoot } = receiptsOf(record)
  return { slot, slotHash: slotHash(logId, record.header), receiptRoot }
}

async function readRecords(
  log: LogStore,
  { from, until }: { from: number; until: number },
): Promise<Uint8Array[]> {
  const records: Uint8Array[] = []
  let bytes = 0
  for await (const { height, record } of log.read(from)) {
    if (height > until || records.length === SLOTS_MAX) break
    if (records.length > 0 && bytes + record.length > RECORD_BYTES) break
    records.push(record)
    bytes += record.length
  }
  return records
}
