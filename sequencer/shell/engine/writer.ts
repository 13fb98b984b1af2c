import { slotReceiptsDigest } from '../../../sdk/protocol/receipt-hash.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { PostedSlot } from '../../../sdk/protocol/posting.ts'
import type { SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import { decodeSlotRecord, encodeSlotRecord } from '../../../sdk/protocol/slot-codec.ts'
import { slotHash, type SlotRecord } from '../../../sdk/protocol/slot.ts'
import type { FormedSlot } from '../../core/input.ts'
import { receiptsOf, recordSlot, signReceipts } from '../../core/slots/record.ts'
import type { EngineOptions } from './options.ts'

/** Turns formed slots into records of the log, and records into receipts. */
export type SlotWriter = {
  /** Makes the next record, with its hash; its place in the chain of hashes is taken at once. */
  record: (slot: FormedSlot) => { record: SlotRecord; hash: Hash }
  /** Appends a record; gives its bytes when it is durable. */
  append: (record: SlotRecord) => Promise<number>
  /** The slot's receipts under one signature. */
  receipts: (record: SlotRecord) => SignedReceipt[]
  /** What `l1` is told of a slot, for those that this process made last. */
  posted: (height: number) => PostedSlot | undefined
  /** The receipt of an entry that stands at a height. */
  receiptAt: (height: number, entryId: Hash) => Promise<SignedReceipt | undefined>
  /** Resolves when the slot at a height is durable. */
  durable: (height: number) => Promise<void>
  /** Ends every wait with an error. */
  close: (error: unknown) => void
}

/** Slots of which it is kept what `l1` is told; older ones are read from the log. */
const postedKept = 4_096

/** Makes the writer of a log whose last slot has the hash `tipHash`. */
export function createSlotWriter(
  { config, log, signDigest, signSystem }: EngineOptions,
  tipHash: Hash,
): SlotWriter {
  let tip = tipHash
  /** Hashes of slots whose receipts were not made yet. */
  const hashes = new Map<number, Hash>()
  let waiting: { height: number; resolve: () => void; reject: (error: unknown) => void }[] = []

  const posted = new Map<number, PostedSlot>()
  const notePosted = (height: number, receiptRoot: Hash) => {
    const slotHash = hashes.get(height)
    if (slotHash === undefined) return
    hashes.delete(height)
    posted.set(height, { slot: BigInt(height), slotHash, receiptRoot })
    posted.delete(height - postedKept)
  }

  const receipts = (record: SlotRecord): SignedReceipt[] => {
    const unsigned = receiptsOf(record)
    notePosted(record.header.height, unsigned.receiptRoot)
    if (record.entries.length === 0) return []
    return signReceipts(unsigned, signDigest(slotReceiptsDigest(config.logId, unsigned)))
  }
  return {
    record: (slot) => {
      const record = recordSlot(config, slot, { parentHash: tip, signSystem })
      tip = slotHash(config.logId, record.header)
      hashes.set(slot.height, tip)
      return { record, hash: tip }
    },
    append: async (record) => {
      const bytes = encodeSlotRecord(record)
      await log.append(record.header.height, bytes)
      const due = waiting.filter(({ height }) => height <= record.header.height)
      waiting = waiting.filter(({ height }) => height > record.header.height)
      for (const { resolve } of due) resolve()
      return bytes.length
    },
    receipts,
    posted: (height) => posted.get(height),
    receiptAt: async (height, entryId) => {
      const bytes = await log.readOne(height)
      if (bytes === undefined) return undefined
      return receipts(decodeSlotRecord(bytes)).find(
        ({ preconfirmation }) => preconfirmation.entryId === entryId,
      )
    },
    durable: (height) =>
      log.tip() >= height
        ? Promise.resolve()
        : new Promise((resolve, reject) => waiting.push({ height, resolve, reject })),
    close: (error) => {
      for (const { reject } of waiting) reject(error)
      waiting = []
    },
  }
}
