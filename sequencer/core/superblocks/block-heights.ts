import { assert } from '../../../sdk/protocol/assert.ts'
import type { SlotRecord } from '../../../sdk/protocol/slot.ts'

/** Where the blocks of one rollup begin in the log. */
export type BlockHeights = {
  /** Last block in the log. */
  last: number
  /** Height of the slot that opened every 16th block, from block 2 on. */
  heights: number[]
}

/** Of so many blocks the place of one is kept; the others are found by reading on. */
const stride = 16
/** Block 1 of a rollup is empty and comes with its genesis: the log's blocks begin with 2. */
const firstNumber = 2

/** Notes that a slot touches blocks. */
export function addBlockHeights(
  table: Map<number, BlockHeights>,
  { header, chains }: Pick<SlotRecord, 'header' | 'chains'>,
): void {
  for (const { chainId, env } of chains) {
    const item = table.get(chainId) ?? { last: firstNumber - 1, heights: [] }
    table.set(chainId, item)
    if (env.number === item.last) continue
    assert(env.number === item.last + 1, 'block numbers of a rollup are contiguous')
    item.last = env.number
    if ((env.number - firstNumber) % stride === 0) item.heights.push(header.height)
  }
}

/**
 * A height at or before the slot that opened a chain's block, at most 15 blocks before; undefined when
 * the block is not in the log.
 */
export function heightBefore(
  table: ReadonlyMap<number, BlockHeights>,
  chainId: number,
  number: number,
): number | undefined {
  const item = table.get(chainId)
  if (item === undefined || number > item.last) return undefined
  return item.heights[Math.floor((number - firstNumber) / stride)]
}

/** Last block number of a chain in the log; 1 when there is none. */
export function lastBlock(table: ReadonlyMap<number, BlockHeights>, chainId: number): number {
  return table.get(chainId)?.last ?? firstNumber - 1
}

/** A table of its own with the same places. */
export function copyBlockHeights(
  table: ReadonlyMap<number, BlockHeights>,
): Map<number, BlockHeights> {
  return new Map(
    [...table].map(([chainId, { last, heights }]) => [chainId, { last, heights: [...heights] }]),
  )
}
