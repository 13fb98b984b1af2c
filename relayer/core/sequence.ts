import type { Hash } from '../../sdk/protocol/hex.ts'

/** A block as the indexer remembers it. */
export type BlockMark = { number: number; hash: Hash }

/** Result of holding the nonces found against the Mailbox's own count. */
export type SequenceCheck =
  | { status: 'ok'; count: number }
  | { status: 'gap'; firstMissing: number; expected: number }
  | { status: 'ahead'; count: number; expected: number }

/**
 * Checks that no dispatch is missing: every nonce from `known` up to the Mailbox's count was found.
 *
 * @param known - Nonces below this were found before, without a gap.
 * @param found - Nonces found now, in any order, repeats allowed.
 * @param chainCount - `Mailbox.nonce()` at the end of the range that was searched.
 * @param exact - True when `chainCount` was read at that very block; false when it is a lower bound.
 */
export function checkSequence(input: {
  known: number
  found: readonly number[]
  chainCount: number
  exact: boolean
}): SequenceCheck {
  const { known, found, chainCount, exact } = input
  const present = new Set(found)
  let count = known
  while (present.has(count)) count += 1
  const highest = found.reduce((max, nonce) => Math.max(max, nonce + 1), count)
  const expected = Math.max(chainCount, highest)
  if (count < expected) return { status: 'gap', firstMissing: count, expected }
  if (exact && count > chainCount) return { status: 'ahead', count, expected: chainCount }
  return { status: 'ok', count }
}

/** Where the chain that we remember and the chain that is there part. */
export type Ancestor =
  | { status: 'none' }
  | { status: 'same' }
  | { status: 'reorg'; ancestor: BlockMark }

/**
 * Finds the newest remembered block that is still part of the chain.
 *
 * @param remembered - Blocks in rising order.
 * @param hashes - The chain's hash for each remembered number; undefined above its head.
 * @returns `same` when the newest is still there (or nothing is remembered), `none` when not even
 * the oldest is: deeper than this relayer may undo by itself.
 */
export function commonAncestor(
  remembered: readonly BlockMark[],
  hashes: ReadonlyMap<number, Hash | undefined>,
): Ancestor {
  const newest = remembered.at(-1)
  if (newest === undefined || hashes.get(newest.number) === newest.hash) return { status: 'same' }
  const ancestor = remembered.findLast(({ number, hash }) => hashes.get(number) === hash)
  return ancestor === undefined ? { status: 'none' } : { status: 'reorg', ancestor }
}

/** Splits a range of blocks into ranges that one query may cover, in rising order. */
export function blockRanges(
  from: number,
  to: number,
  blocksMax: number,
): readonly [number, number][] {
  const ranges: [number, number][] = []
  for (let start = from; start <= to; start += blocksMax) {
    ranges.push([start, Math.min(to, start + blocksMax - 1)])
  }
  return ranges
}
