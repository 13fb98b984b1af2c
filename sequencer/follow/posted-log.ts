import { decodeFunctionData } from 'viem'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { slotLedgerAbi } from '../../sdk/abi/slot-ledger.ts'
import { bytesToHex, hexToBytes } from '../../sdk/protocol/bytes.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import { EMPTY_ROOT, merkleRoot } from '../../sdk/protocol/merkle.ts'
import { slotLeaf, type PostedSlot } from '../../sdk/protocol/posting.ts'
import { decodeGenesisRecord, decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { slotHash, type GenesisRecord, type SlotRecord } from '../../sdk/protocol/slot.ts'
import { receiptsOf } from '../core/record.ts'
import type { L1Client } from '../shell/l1/l1-client.ts'
import { unpackRecords } from '../shell/posting/batch-data.ts'
import type { Ledger, PostedBatch } from '../shell/posting/ledger.ts'
import { LieError } from './lie.ts'

/** One slot as it was read from `l1`, its place in the chain of hashes checked. */
export type PostedRecord =
  | { height: 0; genesis: GenesisRecord; hash: Hash }
  | { height: number; record: SlotRecord; hash: Hash; l1Block: number }

const blocksAtOnce = 2_000

/**
 * Reads the log from `l1`, from slot 0 on: every slot's hash, the links between them and each batch's
 * commitment are computed anew.
 *
 * @throws {@link LieError} when a batch's data is not what its commitment says.
 * @throws L1Error when `l1` does not answer.
 */
export async function* readPostedLog(
  l1: L1Client,
  ledger: Ledger,
  { logId, fromBlock, toBlock }: { logId: Hash; fromBlock: number; toBlock: number },
  start: { next: number; tip: Hash } = { next: 0, tip: EMPTY_ROOT },
): AsyncIterable<PostedRecord> {
  let { next, tip } = start
  for (let from = fromBlock; from <= toBlock; from += blocksAtOnce) {
    const batches = await ledger.batches(from, Math.min(toBlock, from + blocksAtOnce - 1))
    for (const batch of batches) {
      const slots: PostedSlot[] = []
      for (const bytes of unpackRecords(hexToBytes(await dataOf(l1, batch)))) {
        const posted = openRecord(bytes, { logId, height: next, parentHash: tip, batch })
        slots.push(posted.slot)
        tip = posted.slot.slotHash
        next += 1
        yield posted.record
      }
      checkCommitment(batch, slots)
    }
  }
}

async function dataOf(l1: L1Client, batch: PostedBatch): Promise<Hex> {
  const input = await l1.inputOf(batch.transactionHash)
  if (input === undefined) {
    throw lieIn(batch, 'the batch has data', 'an event without its transaction', 'a transaction')
  }
  const { functionName, args } = decodeFunctionData({ abi: slotLedgerAbi, data: input })
  if (functionName === 'post') return args[1]
  throw lieIn(batch, 'the batch is posted by a call of its own', functionName, 'post')
}

function openRecord(
  bytes: Uint8Array,
  expected: { logId: Hash; height: number; parentHash: Hash; batch: PostedBatch },
): { record: PostedRecord; slot: PostedSlot } {
  const { logId, height, parentHash } = expected
  const slot = BigInt(height)
  if (height === 0) {
    const genesis = decodeGenesisRecord(bytes)
    if (genesis.logId !== logId)
      throw differs(0, 'the log is of this network', genesis.logId, logId)
    const hash = keccak256(bytesToHex(bytes))
    return {
      record: { height: 0, genesis, hash },
      slot: { slot, slotHash: hash, receiptRoot: EMPTY_ROOT },
    }
  }
  const record = decodeSlotRecord(bytes)
  const { header } = record
  if (header.height !== height) {
    throw differs(height, 'heights are contiguous (I1)', header.height, height)
  }
  if (header.parentHash !== parentHash) {
    throw differs(height, 'a slot names its parent (I1)', header.parentHash, parentHash)
  }
  const hash = slotHash(logId, header)
  const { receiptRoot } = receiptsOf(record)
  return {
    record: { height, record, hash, l1Block: expected.batch.blockNumber },
    slot: { slot, slotHash: hash, receiptRoot },
  }
}

function checkCommitment(batch: PostedBatch, slots: readonly PostedSlot[]): void {
  if (slots.length !== batch.count) {
    throw lieIn(batch, 'a batch has as many slots as it says', batch.count, slots.length)
  }
  const tip = slots.at(-1)?.slotHash ?? EMPTY_ROOT
  if (tip !== batch.tipHash) throw lieIn(batch, 'a batch ends with its tip', batch.tipHash, tip)
  const root = merkleRoot(slots.map(slotLeaf))
  if (root !== batch.slotsRoot) {
    throw lieIn(batch, 'a batch commits to its slots and receipts', batch.slotsRoot, root)
  }
}

function lieIn(batch: PostedBatch, what: string, posted: unknown, recomputed: unknown): LieError {
  return differs(batch.firstSlot, what, posted, recomputed)
}

function differs(slot: number, what: string, posted: unknown, recomputed: unknown): LieError {
  return new LieError({ slot }, { what, posted: String(posted), recomputed: String(recomputed) })
}
