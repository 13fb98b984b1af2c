import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { addToPlans, type Plans } from '../shell/engine/plans.ts'

/** One superblock of the log as a follower executes it. */
export type FollowedSuperblock = {
  records: readonly SlotRecord[]
  /** One block per touched rollup. */
  plans: Plans
  /** Headers of its blocks by chain, as the slot after it has them; empty when there is none yet. */
  headers: ReadonlyMap<number, Hex>
  /** Chains that stopped in it: their blocks were never published. */
  stopped: ReadonlySet<number>
  /** True when the slot after it is known. */
  whole: boolean
}

/** Groups slots by superblock; the last one comes without the hashes of its blocks. */
export async function* bySuperblock(
  slots: AsyncIterable<{ record: SlotRecord }>,
): AsyncIterable<FollowedSuperblock> {
  let records: SlotRecord[] = []
  const group = (next: SlotRecord | undefined): FollowedSuperblock => {
    const plans: Plans = new Map()
    for (const record of records) addToPlans(plans, record)
    return {
      records,
      plans,
      headers: new Map(next?.notes.sealed.map(({ chainId, header }) => [chainId, header])),
      stopped: new Set(next?.notes.stopped.map(({ chainId }) => chainId)),
      whole: next !== undefined,
    }
  }
  for await (const { record } of slots) {
    const last = records.at(-1)
    if (last !== undefined && last.header.superblock !== record.header.superblock) {
      yield group(record)
      records = []
    }
    records.push(record)
  }
  if (records.length > 0) yield group(undefined)
}

/** Where the leg at a place of a rollup's block stands: blocks hold the legs of several slots. */
export function legAt(
  records: readonly SlotRecord[],
  chainId: number,
  index: number,
): { slot: number; chainId: number; leg: number; transactionHash: Hash } | undefined {
  let passed = 0
  for (const { header, chains } of records) {
    const legs = chains.find((chain) => chain.chainId === chainId)?.legs ?? []
    const leg = legs[index - passed]
    if (leg !== undefined) {
      return { slot: header.height, chainId, leg: index - passed, transactionHash: leg.hash }
    }
    passed += legs.length
  }
  return undefined
}
