import { decodeFunctionData, toFunctionSelector, type AbiFunction } from 'viem'
import { assert } from '../../sdk/protocol/assert.ts'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { slotLedgerAbi } from '../../sdk/abi/slot-ledger.ts'
import { bytesToHex, hexToBytes } from '../../sdk/protocol/bytes.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import { EMPTY_ROOT, merkleRoot } from '../../sdk/protocol/merkle.ts'
import { slotLeaf, type PostedSlot } from '../../sdk/protocol/posting.ts'
import { RecordError } from '../../sdk/protocol/record-reader.ts'
import { decodeGenesisRecord, decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { slotHash, type GenesisRecord, type SlotRecord } from '../../sdk/protocol/slot.ts'
import { receiptsOf } from '../core/slots/record.ts'
import type { L1Client } from '../shell/l1/l1-client.ts'
import { BatchDataError, unpackRecords } from '../shell/posting/batch-data.ts'
import type { Ledger, PostedBatch } from '../shell/posting/ledger.ts'
import { checkPlaces } from './check-shape.ts'
import { LieError, mustBe } from './lie.ts'

/** Slots as they were read from `l1`, from 1 on, and the block that brought each. */
export type PostedSlots = AsyncIterable<{ record: SlotRecord; l1Block: number }>

/** A log as it stands on `l1`. */
export type PostedLog = {
  /** Slot 0; undefined when nothing was posted. */
  genesis: GenesisRecord | undefined
  slots: PostedSlots
}

const blocksAtOnce = 2_000

/**
 * Reads the log from `l1`, from slot 0 on: every slot's hash, the links between them and each batch's
 * commitment are computed anew.
 *
 * @throws {@link LieError} when a batch's data is not what its commitment says; while the slots are read
 * that comes after the slots before it.
 * @throws L1Error when `l1` does not answer.
 */
export async function readPostedLog(
  l1: L1Client,
  ledger: Ledger,
  { logId, toBlock }: { logId: Hash; toBlock: number },
): Promise<PostedLog> {
  const records = postedRecords(l1, ledger, { logId, toBlock })
  const first = await records.next()
  if (first.done === true) return { genesis: undefined, slots: none() }
  assert('genesis' in first.value, 'the first record is read as slot 0')
  return { genesis: first.value.genesis, slots: slotsOf(records) }
}

type Posted = { genesis: GenesisRecord } | { record: SlotRecord; l1Block: number }

async function* none(): PostedSlots {}

async function* slotsOf(records: AsyncIterable<Posted>): PostedSlots {
  for await (const item of records) if ('record' in item) yield item
}

async function* postedRecords(
  l1: L1Client,
  ledger: Ledger,
  { logId, toBlock }: { logId: Hash; toBlock: number },
): AsyncGenerator<Posted, void> {
  let [next, tip] = [0, EMPTY_ROOT]
  for (let from = 0; from <= toBlock; from += blocksAtOnce) {
    const batches = await ledger.batches(from, Math.min(toBlock, from + blocksAtOnce - 1))
    for (const batch of batches) {
      const place = { logId, height: next, parentHash: tip }
      const { opened, fault } = openBatch(batch, await dataOf(l1, batch), place)
      for (const { item } of opened) yield item
      if (fault !== undefined) throw fault
      next += opened.length
      tip = opened.at(-1)?.slot.slotHash ?? tip
    }
  }
}

async function dataOf(l1: L1Client, { transactionHash, firstSlot }: PostedBatch): Promise<Hex> {
  const input = await l1.inputOf(transactionHash)
  const place = { slot: firstSlot, transactionHash }
  const called = input?.startsWith(postSelector) === true
  if (called) {
    const { functionName, args } = decodeFunctionData({ abi: slotLedgerAbi, data: input })
    if (functionName === 'post') return args[1]
  }
  const finding = { posted: input?.slice(0, 10) ?? 'no transaction', recomputed: postSelector }
  throw new LieError(place, { what: 'a batch is posted by a call of its own', ...finding })
}

const post = slotLedgerAbi.find((item) => item.type === 'function' && item.name === 'post')
assert(post !== undefined, 'the ledger takes batches')
const postSelector = toFunctionSelector(post as AbiFunction)

type Opened = { item: Posted; slot: PostedSlot }

/** Opens a batch up to its first fault; what it commits to is wrong before its first slot. */
function openBatch(
  batch: PostedBatch,
  data: Hex,
  { logId, ...from }: { logId: Hash; height: number; parentHash: Hash },
): { opened: Opened[]; fault?: LieError | undefined } {
  const opened: Opened[] = []
  let { height, parentHash } = from
  try {
    for (const bytes of recordsIn(batch, data)) {
      const next = openRecord(bytes, { logId, height, parentHash, batch })
      opened.push(next)
      parentHash = next.slot.slotHash
      height += 1
    }
  } catch (fault) {
    if (fault instanceof LieError) return { opened, fault }
    throw fault
  }
  const slots = opened.map(({ slot }) => slot)
  const rule = (what: string, posted: unknown, recomputed: unknown) =>
    mustBe({ slot: batch.firstSlot }, what, { posted, recomputed })
  rule('a batch has as many slots as it says', batch.count, slots.length)
  rule('a batch ends with its tip', batch.tipHash, slots.at(-1)?.slotHash ?? EMPTY_ROOT)
  const root = merkleRoot(slots.map(slotLeaf))
  rule('a batch commits to its slots and receipts', batch.slotsRoot, root)
  return { opened }
}

function recordsIn({ firstSlot }: PostedBatch, data: Hex): readonly Uint8Array[] {
  return readable(firstSlot, () => [...unpackRecords(hexToBytes(data))])
}

function openRecord(
  bytes: Uint8Array,
  expected: { logId: Hash; height: number; parentHash: Hash; batch: PostedBatch },
): Opened {
  const { logId, height, parentHash, batch } = expected
  const slot = BigInt(height)
  const rule = (what: string, posted: unknown, recomputed: unknown) =>
    mustBe({ slot: height }, what, { posted, recomputed })
  if (height === 0) {
    const genesis = readable(height, () => decodeGenesisRecord(bytes))
    rule('the log is of this network', genesis.logId, logId)
    const hash = keccak256(bytesToHex(bytes))
    return { item: { genesis }, slot: { slot, slotHash: hash, receiptRoot: EMPTY_ROOT } }
  }
  const record = readable(height, () => decodeSlotRecord(bytes))
  const { header } = record
  rule('heights are contiguous (I1)', header.height, height)
  rule('a slot names its parent (I1)', header.parentHash, parentHash)
  checkPlaces(record)
  const { receiptRoot } = receiptsOf(record)
  return {
    item: { record, l1Block: batch.blockNumber },
    slot: { slot, slotHash: slotHash(logId, header), receiptRoot },
  }
}

/** What is posted can be read: bytes that are no record are a lie like any other. */
function readable<T>(slot: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RecordError) && !(error instanceof BatchDataError)) throw error
    const [posted = '', recomputed = error.message] = error.metaMessages
    throw new LieError({ slot }, { what: 'a slot can be read', posted, recomputed })
  }
}
