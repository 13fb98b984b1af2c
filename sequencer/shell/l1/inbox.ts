import { decodeEventLog, encodeFunctionData, toEventSelector, type AbiEvent } from 'viem'
import { bundleExecutorAbi } from '../../../sdk/abi/bundle-executor.ts'
import { bundleInboxAbi } from '../../../sdk/abi/bundle-inbox.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { BundleIntent } from '../../../sdk/protocol/intent.ts'
import type { ForcedInput, ForcedLeg } from '../../core/bundles/forced.ts'
import type { L1Client, L1Log } from './l1-client.ts'

/** The inbox of forced bundles on `l1`. */
export type Inbox = {
  /** Bundles in a range of blocks, both ends included, in the order of their places. */
  read: (fromBlock: number, toBlock: number) => Promise<ForcedInput[]>
}

const forcedEvent = bundleInboxAbi.find((item) => item.type === 'event' && item.name === 'Forced')
assert(forcedEvent !== undefined, 'the inbox tells of every bundle')
const forcedTopic = toEventSelector(forcedEvent as AbiEvent)

/** Gas of a leg before its calls: signature, marks, one call's calldata. */
const legGas = 300_000n
const byteGas = 40n

/** Reads an inbox on `l1`. */
export function openInbox(l1: L1Client, address: Address): Inbox {
  return {
    read: async (fromBlock, toBlock) => {
      if (fromBlock > toBlock) return []
      const logs = await l1.logs({ address, event: forcedTopic, fromBlock, toBlock })
      return logs.map(forcedOf)
    },
  }
}

function forcedOf({ topics, data, blockNumber }: L1Log): ForcedInput {
  const { args } = decodeEventLog({
    abi: bundleInboxAbi,
    eventName: 'Forced',
    topics: topics as [Hash, ...Hash[]],
    data,
  })
  return {
    index: Number(args.index),
    contentHash: args.intentHash,
    l1Block: blockNumber,
    legs: forcedLegs(args.intent, args.signature),
  }
}

/** Legs of a forced bundle: calls that follow one another on one chain are one leg. */
export function forcedLegs(intent: BundleIntent, signature: Hex): ForcedLeg[] {
  const legs: ForcedLeg[] = []
  const { calls } = intent
  for (let first = 0; first < calls.length;) {
    const { chainId } = calls[first] as BundleIntent['calls'][number]
    let count = 1
    while (calls[first + count]?.chainId === chainId) count += 1
    legs.push(forcedLeg(intent, signature, { first, count }))
    first += count
  }
  return legs
}

function forcedLeg(
  intent: BundleIntent,
  signature: Hex,
  { first, count }: { first: number; count: number },
): ForcedLeg {
  const input = encodeFunctionData({
    abi: bundleExecutorAbi,
    functionName: 'execute',
    args: [intent, signature, BigInt(first), BigInt(count)],
  })
  const run = intent.calls.slice(first, first + count)
  const own = run.reduce((sum, { gas }) => sum + gas, 0n)
  const chainId = Number(run[0]?.chainId ?? 0n)
  return {
    chainId,
    input,
    // A call passes on 63 parts of 64 of what is left.
    gas: legGas + byteGas * BigInt(input.length / 2) + (own * 64n) / 63n,
    calls: run.map(({ target, data }) => ({
      chainId,
      to: target.toLowerCase() as Address,
      input: data,
    })),
  }
}
