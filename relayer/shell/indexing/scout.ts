import { blockRanges } from '../../core/sequence.ts'
import type { BlockHead } from '../chains/chains.ts'
import type { Fence } from '../redis/commit.ts'
import type { IndexerContext } from './indexer.ts'
import { readOriginLogs } from '../chains/logs.ts'

const BLOCKS_PER_QUERY = 1_000

/**
 * Makes what looks ahead of a search that is busy: critical messages of new blocks are taken at once.
 *
 * The search comes by later and counts them like all others. Only where a chain never goes back: a
 * block that the search has not marked yet could otherwise go away unseen.
 */
export function createScout(context: IndexerContext) {
  const { chain, intake } = context
  let next: number | undefined
  return async (head: BlockHead, busy: Fence | undefined): Promise<void> => {
    if (chain.reorgPeriod > 0) return
    const from = next ?? head.number
    if (busy === undefined) {
      // The search itself sees what comes now.
      next = head.number + 1
      return
    }
    for (const [first, last] of blockRanges(from, head.number, BLOCKS_PER_QUERY)) {
      const urgent = intake.urgent(await readOriginLogs(chain, first, last))
      if (urgent.dispatches.length > 0) await intake.take(urgent, busy)
      next = last + 1
    }
  }
}
