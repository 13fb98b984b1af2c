import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import type { BlockPlan } from '../shell/drivers/driver.ts'
import { addToPlans, withheldIn, type Plans } from '../shell/engine/plans.ts'
import { LieError } from './lie.ts'

/** One superblock of the log as a follower executes it. */
export type FollowedSuperblock = {
  records: readonly SlotRecord[]
  /** One block per touched rollup. */
  plans: Plans
  /** Headers of its blocks by chain, as the slot after it has them; empty when there is none yet. */
  headers: ReadonlyMap<number, Hex>
  /** True when the slot after it is known. */
  whole: boolean
}

/**
 * Groups slots by superblock; the last one comes without the hashes of its blocks. A block that was
 * withheld stands in the superblock that resumed its chain.
 *
 * @throws {@link LieError} when a slot touches a chain that stopped, or resumes one otherwise.
 */
export async function* bySuperblock(
  slots: AsyncIterable<{ record: SlotRecord }>,
): AsyncIterable<FollowedSuperblock> {
  let records: SlotRecord[] = []
  /** Chains that stopped, with the block that was withheld, if one was. */
  const stopped = new Map<number, Withheld | undefined>()
  const group = (next: SlotRecord | undefined): FollowedSuperblock => {
    const plans: Plans = new Map()
    for (const record of records) {
      addToPlans(plans, record)
      for (const { chainId, slot } of record.notes.resumed) {
        const withheld = takeResumed(stopped, record, { chainId, slot })
        if (withheld !== undefined) plans.set(chainId, withheld.plan)
      }
    }
    if (next !== undefined) withhold(stopped, { records, plans, next })
    return {
      records,
      plans,
      headers: new Map(next?.notes.sealed.map(({ chainId, header }) => [chainId, header])),
      whole: next !== undefined,
    }
  }
  for await (const { record } of slots) {
    const last = records.at(-1)
    if (last !== undefined && last.header.superblock !== record.header.superblock) {
      yield group(record)
      records = []
    }
    checkStopped(stopped, record)
    records.push(record)
  }
  if (records.length > 0) yield group(undefined)
}

/** A block that was promised and not published. */
type Withheld = { plan: BlockPlan; slot: number }

type Stopped = Map<number, Withheld | undefined>

/** Keeps the blocks of chains that the next slot tells to have stopped. */
function withhold(
  stopped: Stopped,
  { records, plans, next }: { records: readonly SlotRecord[]; plans: Plans; next: SlotRecord },
): void {
  for (const { chainId } of next.notes.stopped) stopped.set(chainId, undefined)
  for (const chainId of withheldIn(next)) {
    const plan = plans.get(chainId)
    if (plan === undefined) continue
    plans.delete(chainId)
    const opened = records.find(({ chains }) => chains.some((chain) => chain.chainId === chainId))
    const resumed = records.flatMap(({ notes }) => notes.resumed)
    const slot = opened?.header.height ?? resumed.find((note) => note.chainId === chainId)?.slot
    stopped.set(chainId, { plan, slot: slot ?? 0 })
  }
}

function takeResumed(
  stopped: Stopped,
  { header }: SlotRecord,
  { chainId, slot }: { chainId: number; slot: number },
): Withheld | undefined {
  const withheld = stopped.get(chainId)
  const expected = stopped.has(chainId) ? (withheld?.slot ?? 0) : 'none'
  stopped.delete(chainId)
  if (slot === expected) return withheld
  const what = 'what is resumed is the block that was withheld'
  const finding = { what, posted: `slot ${slot}`, recomputed: `slot ${expected}` }
  throw new LieError({ slot: header.height, chainId }, finding)
}

function checkStopped(stopped: Stopped, { header, chains }: SlotRecord): void {
  for (const { chainId } of chains) {
    if (!stopped.has(chainId)) continue
    const finding = { what: 'a chain that stopped has no legs', posted: 'legs', recomputed: 'none' }
    throw new LieError({ slot: header.height, chainId }, finding)
  }
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
