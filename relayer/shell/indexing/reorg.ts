import { commonAncestor } from '../../core/sequence.ts'
import { readHead, type BlockHead } from '../chains/chains.ts'
import type { Fence } from '../redis/commit.ts'
import { saveCursor, type Cursor } from '../redis/cursor.ts'
import type { IndexerContext } from './indexer.ts'

/** What came of holding the remembered blocks against the chain. */
export type ReorgOutcome =
  | { status: 'none' | 'undone' }
  /** Deeper than what is remembered: a person must look at it. */
  | { status: 'halted'; reason: string }

/** Takes back what was found in blocks that are no longer part of the chain. */
export async function undoReorg(
  context: IndexerContext,
  request: { fence: Fence; stored: { cursor: Cursor; text: string }; head: BlockHead },
): Promise<ReorgOutcome> {
  const { chain, redis, keys, intake, metrics, log } = context
  const { fence, stored, head } = request
  const { marks, count } = stored.cursor
  const newest = marks.at(-1)
  if (newest === undefined) return { status: 'none' }
  const there = newest.number === head.number ? head : await readHead(chain.rpc, newest.number)
  if (there?.hash === newest.hash) return { status: 'none' }

  const found = await Promise.all(
    marks.map(async ({ number }) => [number, (await readHead(chain.rpc, number))?.hash] as const),
  )
  const parting = commonAncestor(marks, new Map(found))
  if (parting.status === 'same') return { status: 'none' }
  if (parting.status === 'none') {
    const reason = `blocks back to ${marks[0]?.number} are no longer part of ${chain.name}`
    return { status: 'halted', reason }
  }
  const { ancestor } = parting
  const orphans = await intake.orphan(ancestor.number, fence)
  const after: Cursor = {
    version: 1,
    next: ancestor.number + 1,
    count: orphans.reduce((least, { nonce }) => Math.min(least, nonce), count),
    marks: marks.filter(({ number }) => number <= ancestor.number),
  }
  const { chainId } = chain
  // They leave the list of recent messages together with the cursor: a crash before it repeats this.
  const forgotten = ['ZREM', keys.blocks(chainId), ...orphans.map(({ id }) => id)] as const
  const writes = orphans.length === 0 ? [] : [forgotten]
  const before = stored.text
  const saved = await saveCursor(redis, keys, { chainId, fence, before, after, writes })
  if (saved !== 'ok') {
    return { status: 'halted', reason: `the cursor was moved by another process (${saved})` }
  }
  metrics.reorgs.inc({ chain: chain.name })
  log.warn(
    { chain: chain.name, ancestor: ancestor.number, from: newest.number, orphans: orphans.length },
    'chain went back',
  )
  return { status: 'undone' }
}
