import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { HistoryError, type Files } from './files.ts'
import type { HistoryBlock, LogQuery, TransactionPlace } from './history.ts'
import { keysAskedFor } from './keys.ts'
import { openSealed, openSegment, segmentFile, THE_BLOCK, type Segment } from './segment.ts'

/** What is written of one rollup: its last segment and the bytes in it. */
export type ChainPosition = { first: number; bytes: number }

/** The blocks of one rollup on disk. */
export type ChainStore = {
  /** Number of the last block; undefined before the first. */
  last: () => number | undefined
  byNumber: (number: number) => HistoryBlock | undefined
  byHash: (hash: Hash) => HistoryBlock | undefined
  transaction: (hash: Hash) => TransactionPlace | undefined
  /** Blocks that may hold what is asked for, from `from` on, ascending, of one segment. */
  candidates: (query: LogQuery, from: number) => { numbers: readonly number[]; next: number }
  append: (entry: HistoryBlock) => void
  /** Writes what was appended. */
  flush: () => ChainPosition
  close: () => void
}

/** A segment is complete with so many keys or bytes. */
export type SegmentLimits = { keys: number; bytes: number }

/** Blocks that stay in memory as they were read. */
const blocksKept = 32

/**
 * Opens a rollup's blocks of which everything up to `position` is known to be written.
 *
 * @throws {@link HistoryError} when it is not there.
 */
export function openChainStore(
  files: Files,
  directory: string,
  { position, limits }: { position: ChainPosition | undefined; limits: SegmentLimits },
): ChainStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const pathOf = (first: number) => join(directory, segmentFile(first))
  const sealed = findSealed(files, directory, position)
  const recent = createRecent()
  const openAt = (first: number, size: number) => openSegment(files, pathOf(first), { first, size })
  let open = position === undefined ? undefined : openAt(position.first, position.bytes)

  const segments = () => (open === undefined ? sealed : [...sealed, open])
  const blockIn = (segment: Segment, index: number): HistoryBlock => {
    const entry = recent.take(segment.first + index) ?? segment.block(index)
    recent.keep(entry)
    return entry
  }
  const last = () => {
    const segment = segments().at(-1)
    return segment === undefined ? undefined : segment.first + segment.count() - 1
  }
  const byNumber = (number: number) => {
    const segment = segments().findLast(({ first }) => first <= number)
    if (segment === undefined || number >= segment.first + segment.count()) return undefined
    return blockIn(segment, number - segment.first)
  }
  return {
    last,
    byNumber,
    byHash: (hash) => firstPlace({ segments: segments(), blockIn, hash }, isTheBlock(hash))?.entry,
    transaction: (hash) => firstPlace({ segments: segments(), blockIn, hash }, isTheLeg(hash)),
    candidates: (query, from) => {
      const segment = segments().find(({ first, count }) => from < first + count())
      if (segment === undefined) return { numbers: [], next: Number.POSITIVE_INFINITY }
      const { first } = segment
      const next = first + segment.count()
      const found = blocksWith(segment, keysAskedFor(query)).map((index) => first + index)
      const numbers = found.filter((number) => number >= from && number <= query.toBlock)
      return { numbers, next }
    },
    append: (entry) => {
      const { number } = entry.block
      assert(last() === undefined || number === (last() ?? 0) + 1, 'blocks follow one another')
      assert(entry.legs.length < THE_BLOCK, 'a block has fewer legs than places')
      open ??= openAt(number, 0)
      open.append(entry)
      recent.keep(entry)
    },
    flush: () => {
      assert(open !== undefined, 'a rollup has a block')
      const bytes = open.flush()
      const { first } = open
      if (bytes < limits.bytes && open.keys() < limits.keys) return { first, bytes }
      open.seal()
      open.close()
      const next = first + open.count()
      sealed.push(openSealed(files, pathOf(first), first))
      open = openAt(next, 0)
      return { first: next, bytes: 0 }
    },
    close: () => open?.close(),
  }
}

type IsIt = (entry: HistoryBlock, place: number) => boolean

const isTheBlock =
  (hash: Hash): IsIt =>
  ({ block }, place) =>
    place === THE_BLOCK && block.hash === hash

const isTheLeg =
  (hash: Hash): IsIt =>
  ({ legs }, place) =>
    legs[place]?.hash === hash

/** Finds what has a hash, newest first: what is asked for is mostly new. */
function firstPlace(
  at: {
    segments: readonly Segment[]
    blockIn: (segment: Segment, index: number) => HistoryBlock
    hash: Hash
  },
  isIt: IsIt,
): TransactionPlace | undefined {
  for (const segment of at.segments.toReversed()) {
    for (const value of segment.places(at.hash)) {
      const entry = at.blockIn(segment, Math.floor(value / 0x10000))
      const index = value % 0x10000
      if (isIt(entry, index)) return { entry, index }
    }
  }
  return undefined
}

/** The blocks that were used last. */
function createRecent() {
  const blocks = new Map<number, HistoryBlock>()
  return {
    /** Gives a block and forgets it. */
    take: (number: number) => {
      const entry = blocks.get(number)
      blocks.delete(number)
      return entry
    },
    keep: (entry: HistoryBlock) => {
      blocks.set(entry.block.number, entry)
      const [oldest] = blocks.keys()
      if (blocks.size > blocksKept && oldest !== undefined) blocks.delete(oldest)
    },
  }
}

function findSealed(
  files: Files,
  directory: string,
  position: ChainPosition | undefined,
): Segment[] {
  const firsts = readdirSync(directory)
    .flatMap((name) => (/^\d{16}\.blocks$/.test(name) ? [Number(name.slice(0, 16))] : []))
    .toSorted((a, b) => a - b)
    .filter((first) => first < (position?.first ?? 0))
  const sealed: Segment[] = []
  for (const first of [...firsts, position?.first ?? 0]) {
    const before = sealed.at(-1)
    if (before !== undefined && before.first + before.count() !== first) {
      throw new HistoryError(join(directory, segmentFile(first)), 0, 'no segment is missing')
    }
    const path = join(directory, segmentFile(first))
    if (first !== (position?.first ?? 0)) sealed.push(openSealed(files, path, first))
  }
  return sealed
}

/** Places of the blocks that have a key of every list, ascending. */
function blocksWith(segment: Segment, lists: readonly (readonly number[])[]): number[] {
  let common: Set<number> | undefined
  for (const keys of lists) {
    const found = new Set(keys.flatMap((key) => segment.withLogs(key)))
    const before: Set<number> | undefined = common
    common = before === undefined ? found : new Set([...found].filter((index) => before.has(index)))
  }
  return [...(common ?? [])].toSorted((a, b) => a - b)
}
