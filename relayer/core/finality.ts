import type { Stage } from './stages.ts'

/** Blocks that must lie on top of a block before it counts as final: 0 where blocks never go back. */
export type FinalityRule = { reorgPeriod: number }

/** Whether a block is final, and if not how many blocks are missing. */
export type Finality = { final: true } | { final: false; missingBlocks: number }

/** Decides whether what stands in a block may be acted upon. */
export function finalityOf(
  { blockNumber, headNumber }: { blockNumber: number; headNumber: number },
  { reorgPeriod }: FinalityRule,
): Finality {
  const missingBlocks = blockNumber + reorgPeriod - headNumber
  return missingBlocks <= 0 ? { final: true } : { final: false, missingBlocks }
}

/** Decides how sure a delivery is: `safe` at half of the reorg period (rounded up), `final` at all of it. */
export function deliveryStage(
  { blockNumber, headNumber }: { blockNumber: number; headNumber: number },
  { reorgPeriod }: FinalityRule,
): Extract<Stage, 'included' | 'safe' | 'final'> {
  const depth = headNumber - blockNumber
  if (depth >= reorgPeriod) return 'final'
  return depth >= Math.ceil(reorgPeriod / 2) ? 'safe' : 'included'
}
