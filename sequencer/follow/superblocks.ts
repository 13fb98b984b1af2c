import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import type { Leg } from '../core/entries/leg.ts'
import type { BlockPlan } from '../shell/drivers/driver.ts'
import { addToPlans, type Plans } from '../shell/engine/plans.ts'
import type { SlotLegs } from './check-shape.ts'

/** One block of a rollup as a follower executes it. */
export type FollowedBlock = {
  plan: BlockPlan
  /** Its transactions, in order. */
  calls: readonly Leg[]
  /** The slots that it is made of. */
  records: readonly SlotRecord[]
}

/** The superblock that a follower is in: slots that were checked and are not executed yet. */
export type FollowedSuperblock = {
  /** Its last slot; undefined before the first. */
  last: SlotRecord | undefined
  /** One per touched rollup, and the withheld one of a rollup that is resumed. */
  blocks: Map<number, FollowedBlock>
}

/** What the slot after a superblock tells of it. */
export type ToldBlocks = {
  slot: number
  /** Headers of its blocks by chain: one that was withheld has none. */
  headers: ReadonlyMap<number, Hex>
}

/** A superblock without slots. */
export function emptySuperblock(): FollowedSuperblock {
  return { last: undefined, blocks: new Map() }
}

/**
 * Adds a slot that was checked.
 *
 * @param withheld - Blocks of rollups that stopped, by chain: one that the slot resumes is made now.
 */
export function addSlot(
  superblock: FollowedSuperblock,
  record: SlotRecord,
  { legs, withheld }: { legs: SlotLegs; withheld: Map<number, FollowedBlock> },
): void {
  const { blocks } = superblock
  superblock.last = record
  const plans: Plans = new Map([...blocks].map(([chainId, { plan }]) => [chainId, plan]))
  addToPlans(plans, record)
  for (const chain of record.chains) {
    const { calls = [], records = [] } = blocks.get(chain.chainId) ?? {}
    const own = chain.legs.flatMap(({ hash }) => legs.get(hash) ?? [])
    const plan = plans.get(chain.chainId)
    if (plan === undefined) continue
    blocks.set(chain.chainId, { plan, calls: [...calls, ...own], records: [...records, record] })
  }
  for (const { chainId } of record.notes.resumed) {
    const block = withheld.get(chainId)
    if (block !== undefined) blocks.set(chainId, block)
    withheld.delete(chainId)
  }
}

/** Takes the blocks out of a superblock that the slot after it does not tell: they were withheld. */
export function withhold(
  { blocks }: FollowedSuperblock,
  told: ToldBlocks,
  withheld: Map<number, FollowedBlock>,
): void {
  for (const [chainId, block] of blocks) {
    if (told.headers.has(chainId)) continue
    withheld.set(chainId, block)
    blocks.delete(chainId)
  }
}

/** What a slot tells of the superblock before it. */
export function toldBy({ header, notes }: SlotRecord): ToldBlocks {
  const headers = new Map(notes.sealed.map((note) => [note.chainId, note.header]))
  return { slot: header.height, headers }
}

/** Where the leg at a place of a rollup's block stands: blocks hold the legs of several slots. */
export function legAt(
  { records }: FollowedBlock,
  chainId: number,
  index: number,
):
  | {
      place: { slot: number; chainId: number; leg: number; transactionHash: Hash }
      outputHash: Hash
    }
  | undefined {
  let passed = 0
  for (const { header, chains } of records) {
    const legs = chains.find((chain) => chain.chainId === chainId)?.legs ?? []
    const found = legs[index - passed]
    if (found !== undefined) {
      const { hash, outputHash } = found
      const leg = index - passed
      return { place: { slot: header.height, chainId, leg, transactionHash: hash }, outputHash }
    }
    passed += legs.length
  }
  return undefined
}
