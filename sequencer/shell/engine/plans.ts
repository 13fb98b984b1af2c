import { assert } from '../../../sdk/protocol/assert.ts'
import type { RecordedChain, SlotRecord } from '../../../sdk/protocol/slot.ts'
import { prevRandaoOf, type SealedBlock } from '../../core/execution.ts'
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

/** Place of the first slot of every block, so that one block can be derived again. */
export type BlockIndex = {
  /** Notes that a slot touches blocks of these chains. */
  add: (record: SlotRecord) => void
  /** Height of the slot that opened a chain's block; undefined when it is not in the log. */
  heightOf: (chainId: number, number: number) => number | undefined
  /** Last block number of a chain in the log; 1 when there is none. */
  last: (chainId: number) => number
}

/** Makes an empty index. */
export function createBlockIndex(): BlockIndex {
  const heights = new Map<number, number[]>()
  const of = (chainId: number) => {
    const list = heights.get(chainId) ?? []
    heights.set(chainId, list)
    return list
  }
  // Block 1 of a rollup is empty and comes with its genesis: the log's blocks begin with 2.
  return {
    add: ({ header, chains }) => {
      for (const { chainId, env } of chains) {
        const list = of(chainId)
        if (env.number === list.length + 2) list.push(header.height)
        else assert(env.number === list.length + 1, 'block numbers of a rollup are contiguous')
      }
    },
    heightOf: (chainId, number) => of(chainId)[number - 2],
    last: (chainId) => of(chainId).length + 1,
  }
}
