import { assert } from '../../../sdk/protocol/assert.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { ChainHead, LegLog, SealedBlock } from '../../core/execution.ts'
import type { PublishedBlock, PublishedLeg, PublishedSuperblock } from '../port.ts'

/** A published block with its transactions in order. */
export type HistoryBlock = { block: SealedBlock; legs: readonly PublishedLeg[] }

/** Where a transaction stands. */
export type TransactionPlace = { entry: HistoryBlock; index: number }

/** A log with its place. */
export type PlacedLog = {
  log: LegLog
  entry: HistoryBlock
  transactionIndex: number
  /** Among the block's logs. */
  logIndex: number
}

/** Which logs are asked for; block numbers include both ends. */
export type LogQuery = {
  fromBlock: number
  toBlock: number
  /** Lower case; empty asks for every address. */
  addresses: ReadonlySet<Address>
  /** One set per place; an empty one allows any topic there. */
  topics: readonly ReadonlySet<Hash>[]
}

/** What was published on one rollup. */
export type ChainHistory = {
  chainId: number
  /** Last block that readers see; undefined before the first. */
  head: () => ChainHead | undefined
  byNumber: (number: number) => HistoryBlock | undefined
  byHash: (hash: Hash) => HistoryBlock | undefined
  transaction: (hash: Hash) => TransactionPlace | undefined
  /** Logs in order; at most `limit` + 1, so that a caller sees when there are more. */
  logs: (query: LogQuery, limit: number) => readonly PlacedLog[]
}

/** What was published on every rollup, by superblock: no reader sees half of one. */
export type History = {
  apply: (superblock: PublishedSuperblock) => void
  chain: (chainId: number) => ChainHistory | undefined
  /** Last superblock; undefined before the first. */
  superblock: () => number | undefined
  /** Calls `listener` after each superblock that is applied from now on; gives the way to stop. */
  onSuperblock: (listener: (superblock: PublishedSuperblock) => void) => () => void
}

type Index = {
  chainId: number
  /** By number, from the first block on. */
  blocks: HistoryBlock[]
  numbers: Map<Hash, number>
  transactions: Map<Hash, TransactionPlace>
  /** Numbers of the blocks that have logs, ascending. */
  withLogs: number[]
}

/** Makes an empty history of the given rollups; the log's superblocks fill it. */
export function createHistory(chainIds: readonly number[]): History {
  const indexes = new Map(chainIds.map((chainId) => [chainId, emptyIndex(chainId)]))
  const chains = new Map([...indexes].map(([chainId, index]) => [chainId, chainHistory(index)]))
  const listeners = new Set<(superblock: PublishedSuperblock) => void>()
  let last: number | undefined

  return {
    apply: (superblock) => {
      assert(last === undefined || superblock.superblock > last, 'superblocks come in order')
      for (const block of superblock.blocks) {
        const index = indexes.get(block.chainId)
        assert(index !== undefined, 'a published block is of a sequenced chain')
        append(index, block)
      }
      last = superblock.superblock
      for (const listener of listeners) listener(superblock)
    },
    chain: (chainId) => chains.get(chainId),
    superblock: () => last,
    onSuperblock: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function emptyIndex(chainId: number): Index {
  return { chainId, blocks: [], numbers: new Map(), transactions: new Map(), withLogs: [] }
}

function append(index: Index, { block, legs }: PublishedBlock): void {
  const before = index.blocks.at(-1)?.block
  assert(before === undefined || block.number === before.number + 1, 'blocks follow one another')
  const entry = { block, legs }
  index.blocks.push(entry)
  index.numbers.set(block.hash, block.number)
  for (const [i, { hash }] of legs.entries()) index.transactions.set(hash, { entry, index: i })
  if (legs.some(({ outcome }) => outcome.logs.length > 0)) index.withLogs.push(block.number)
}

function chainHistory(index: Index): ChainHistory {
  const byNumber = (number: number) => {
    const first = index.blocks[0]?.block.number ?? 0
    return index.blocks[number - first]
  }
  return {
    chainId: index.chainId,
    head: () => {
      const block = index.blocks.at(-1)?.block
      if (block === undefined) return undefined
      return { number: block.number, hash: block.hash, timestampS: block.timestampS }
    },
    byNumber,
    byHash: (hash) => {
      const number = index.numbers.get(hash)
      return number === undefined ? undefined : byNumber(number)
    },
    transaction: (hash) => index.transactions.get(hash),
    logs: (query, limit) => {
      const found: PlacedLog[] = []
      const from = firstAtLeast(index.withLogs, query.fromBlock)
      for (let i = from; i < index.withLogs.length; i++) {
        const number = index.withLogs[i] as number
        if (number > query.toBlock || found.length > limit) break
        const entry = byNumber(number)
        assert(entry !== undefined, 'a block with logs is in the index')
        for (const placed of logsOf(entry)) if (matches(placed.log, query)) found.push(placed)
      }
      return found.slice(0, limit + 1)
    },
  }
}

/** Gives the logs of a block with their places. */
export function logsOf(entry: HistoryBlock): PlacedLog[] {
  const placed: PlacedLog[] = []
  for (const [transactionIndex, { outcome }] of entry.legs.entries()) {
    for (const log of outcome.logs) {
      placed.push({ log, entry, transactionIndex, logIndex: placed.length })
    }
  }
  return placed
}

/** Says whether a log is one that is asked for. */
export function matches(
  { address, topics }: LegLog,
  query: Pick<LogQuery, 'addresses' | 'topics'>,
): boolean {
  if (query.addresses.size > 0 && !query.addresses.has(address)) return false
  return query.topics.every((allowed, i) => {
    const topic = topics[i]
    if (topic === undefined) return false
    return allowed.size === 0 || allowed.has(topic)
  })
}

/** Place of the first number that is not below `least`. */
function firstAtLeast(ascending: readonly number[], least: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] as number) < least) low = middle + 1
    else high = middle
  }
  return low
}
