import { assert } from '../../../sdk/protocol/assert.ts'
import type { RecordedChain, SlotRecord } from '../../../sdk/protocol/slot.ts'
import { prevRandaoOf, type SealedBlock } from '../../core/entries/execution.ts'
import type { BlockPlan } from '../drivers/driver.ts'
import type { PublishedBlock, PublishedLeg } from '../port.ts'

/** Blocks of one superblock by chain: each chain's legs of all its slots. */
export type Plans = Map<number, BlockPlan>

/** Adds a slot to the blocks of its superblock. */
export function addToPlans(plans: Plans, record: SlotRecord): void {
  for (const chain of record.chains) {
    const known = plans.get(chain.chainId)
    const added = planOf(chain)
    if (known === undefined) {
      plans.set(chain.chainId, added)
      continue
    }
    assert(known.env.number === added.env.number, 'slots of a superblock share its block')
    assert(known.env.parentHash === added.env.parentHash, 'slots of a superblock share its parent')
    plans.set(chain.chainId, {
      env: known.env,
      legs: [...known.legs, ...added.legs],
      expected: [...known.expected, ...added.expected],
    })
  }
}

/** Chains whose block in the superblock before a slot was withheld, as the slot has it. */
export function withheldIn({ notes }: Pick<SlotRecord, 'notes'>): number[] {
  const sealed = new Set(notes.sealed.map(({ chainId }) => chainId))
  return notes.stopped.map(({ chainId }) => chainId).filter((chainId) => !sealed.has(chainId))
}

function planOf({ env, legs }: RecordedChain): BlockPlan {
  return {
    env: { ...env, prevRandao: prevRandaoOf(env.parentHash, env.number) },
    legs: legs.map(({ hash, rawTx }) => ({ hash, rawTx })),
    expected: legs.map(({ status, gasUsed, logs }) => ({ status, gasUsed, logs })),
  }
}

/** A block as its readers get it. */
export function publishedBlock(
  chainId: number,
  plan: BlockPlan,
  block: SealedBlock,
): PublishedBlock {
  const legs = plan.legs.map(({ hash, rawTx }, i): PublishedLeg => {
    const outcome = plan.expected[i]
    assert(outcome !== undefined, 'every leg of a plan has its result')
    return { hash, rawTx, outcome }
  })
  return { chainId, block, legs }
}
