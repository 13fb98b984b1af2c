import { decodeEventLog, encodeFunctionData, toEventSelector, type AbiEvent } from 'viem'
import { slotLedgerAbi } from '../../../sdk/abi/slot-ledger.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { SlotBatch } from '../../../sdk/protocol/posting.ts'
import type { L1Client, L1Log } from '../l1/l1-client.ts'

/** How far the log is on `l1`. */
export type LedgerPosition = {
  /** Height of the next slot to be posted. */
  nextSlot: number
  /** Hash of the slot before; zero when there is none. */
  tipHash: Hash
}

/** A batch that stands on `l1`. */
export type PostedBatch = {
  batch: bigint
  firstSlot: number
  count: number
  tipHash: Hash
  slotsRoot: Hash
  blockNumber: number
  transactionHash: Hash
}

/** `SlotLedger` on `l1`. */
export type Ledger = {
  /** What the ledger holds at the head. */
  position: () => Promise<LedgerPosition>
  /** Batches in a range of blocks, both ends included, in order. */
  batches: (fromBlock: number, toBlock: number) => Promise<PostedBatch[]>
  /** Keys that governance made the sequencer's in a range of blocks, lower case. */
  sequencers: (fromBlock: number, toBlock: number) => Promise<Address[]>
}

const postedTopic = topicOf('Posted')
const sequencerTopic = topicOf('SequencerSet')

function topicOf(name: 'Posted' | 'SequencerSet'): Hash {
  const event = slotLedgerAbi.find((item) => item.type === 'event' && item.name === name)
  assert(event !== undefined, 'the ledger tells of every batch and key')
  return toEventSelector(event as AbiEvent)
}

/** Reads a ledger on `l1`. */
export function openLedger(l1: L1Client, address: Address): Ledger {
  const view = (functionName: 'nextSlot' | 'tipHash') =>
    l1.call(address, encodeFunctionData({ abi: slotLedgerAbi, functionName }))
  return {
    position: async () => {
      // Both of one state: between two equal answers nothing was posted.
      for (;;) {
        const before = await view('nextSlot')
        const tipHash = await view('tipHash')
        if ((await view('nextSlot')) === before) return { nextSlot: Number(before), tipHash }
      }
    },
    batches: async (fromBlock, toBlock) => {
      if (fromBlock > toBlock) return []
      const logs = await l1.logs({ address, event: postedTopic, fromBlock, toBlock })
      return logs.map(batchOf)
    },
    sequencers: async (fromBlock, toBlock) => {
      const logs = await l1.logs({ address, event: sequencerTopic, fromBlock, toBlock })
      return logs.map(({ topics }): Address => `0x${(topics[1] ?? '').slice(26)}`)
    },
  }
}

/** Calldata that posts a batch. */
export function postCalldata(batch: SlotBatch, data: Hex, signature: Hex): Hex {
  return encodeFunctionData({
    abi: slotLedgerAbi,
    functionName: 'post',
    args: [batch, data, signature],
  })
}

function batchOf({ topics, data, blockNumber, transactionHash }: L1Log): PostedBatch {
  const { args } = decodeEventLog({
    abi: slotLedgerAbi,
    eventName: 'Posted',
    topics: topics as [Hash, ...Hash[]],
    data,
  })
  const { batch, firstSlot, count, tipHash, slotsRoot } = args
  return {
    ...{ batch, count, tipHash, slotsRoot, blockNumber, transactionHash },
    firstSlot: Number(firstSlot),
  }
}
