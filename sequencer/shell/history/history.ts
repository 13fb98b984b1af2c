import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { ChainHead, LegLog, SealedBlock } from '../../core/entries/execution.ts'
import type { PublishedLeg, PublishedSuperblock } from '../port.ts'
import { openChainStore, type ChainStore, type SegmentLimits } from './chain-store.ts'
import { createFiles, HistoryError, type Files } from './files.ts'
import {
  POSITION_FILE,
  readPosition,
  writePosition,
  type HistoryPlace,
  type Position,
} from './position.ts'

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
  /** Its number alone. */
  last: () => number | undefined
  byNumber: (number: number) => HistoryBlock | undefined
  byHash: (hash: Hash) => HistoryBlock | undefined
  transaction: (hash: Hash) => TransactionPlace | undefined
  /** Logs in order; at most `limit` + 1, so that a caller sees when there are more. */
  logs: (query: LogQuery, limit: number) => Promise<readonly PlacedLog[]>
}

/** What was published on every rollup, by superblock: no reader sees half of one. */
export type History = {
  apply: (superblock: PublishedSuperblock) => void
  chain: (chainId: number) => ChainHistory | undefined
  /** Last superblock; undefined before the first. */
  superblock: () => number | undefined
  /** Last superblock and its last slot; undefined before the first. */
  place: () => HistoryPlace | undefined
  /** Calls `listener` after each superblock that is applied from now on; gives the way to stop. */
  onSuperblock: (listener: (superblock: PublishedSuperblock) => void) => () => void
  /** Writes what is not written and lets go of the files. */
  close: () => void
}

/** How a history begins. */
export type OpenedHistory = {
  history: History
  /** Why what was there could not be used: the whole log must be applied. */
  remade?: string | undefined
}

/** What {@link openHistory} needs. */
export type HistoryOptions = {
  directory: string
  logId: Hash
  chainIds: readonly number[]
  /** Height of the last slot in the log: a history cannot know more. */
  tip: number
  /** Ends the program: what is published cannot be written. */
  fail: (error: unknown) => void
  /** When a file is complete; default 32,768 keys or 16 MiB. */
  limits?: SegmentLimits | undefined
}

const limitsByDefault: SegmentLimits = { keys: 32_768, bytes: 16 * 1024 * 1024 }
const filesOpenMax = 64
/** Superblocks that are written before it is noted that they are; a crash has them applied again. */
const superblocksUnnotedMax = 16
/** Blocks that a search for logs reads before it lets others have a turn. */
const blocksAtOnce = 64

/**
 * Opens the history on disk, which the log's later superblocks go on filling. One that is damaged, of
 * another network or ahead of the log is removed, since the log makes it again.
 */
export function openHistory(options: HistoryOptions): OpenedHistory {
  try {
    const position = readPosition(options)
    return { history: historyFrom(options, position) }
  } catch (error) {
    const remade = damageOf(error)
    if (remade === undefined) throw error
    rmSync(options.directory, { recursive: true, force: true })
    return { history: historyFrom(options, undefined), remade }
  }
}

/** What is wrong with the files; undefined for an error of another kind. */
function damageOf(error: unknown): string | undefined {
  if (error instanceof HistoryError) {
    return [error.shortMessage, ...error.metaMessages].join(' ')
  }
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? (error as Error).message : undefined
}

function historyFrom(options: HistoryOptions, position: Position | undefined): History {
  const { directory, fail, logId } = options
  const files = createFiles(filesOpenMax)
  const stores = openStores(options, files, position)
  const damage = watchDamage(directory)
  const chains = new Map(
    [...stores].map(([id, store]) => [id, chainHistory(id, store, damage.reading)]),
  )
  const listeners = new Set<(superblock: PublishedSuperblock) => void>()
  const positions = new Map(position?.chains)
  const touched = new Set<number>()
  let last = position?.last
  let planned: NodeJS.Immediate | undefined
  let unnoted = position === undefined ? superblocksUnnotedMax : 0

  const notePosition = () => {
    unnoted = 0
    if (last === undefined || damage.met()) return
    writePosition(directory, { logId, last, chains: positions })
  }
  const flush = () => {
    planned = undefined
    for (const chainId of touched) {
      const store = stores.get(chainId)
      if (store === undefined) continue
      const at = store.flush()
      // A new segment is noted at once: after a crash the one before could end elsewhere.
      if (at.first !== positions.get(chainId)?.first) unnoted = superblocksUnnotedMax
      positions.set(chainId, at)
    }
    touched.clear()
  }
  return {
    apply: (superblock) => {
      const { superblock: number, slot, blocks } = superblock
      assert(last === undefined || number > last.superblock, 'superblocks come in order')
      for (const { chainId, block, legs } of blocks) {
        const store = stores.get(chainId)
        assert(store !== undefined, 'a published block is of a sequenced chain')
        store.append({ block, legs })
        touched.add(chainId)
      }
      last = { superblock: number, slot: Number(slot) }
      for (const listener of listeners) listener(superblock)
      // Behind the publication: who waits for it does not wait for the disk.
      planned ??= setImmediate(() => {
        try {
          flush()
          if (++unnoted >= superblocksUnnotedMax) notePosition()
        } catch (error) {
          fail(error)
        }
      })
    },
    chain: (chainId) => chains.get(chainId),
    superblock: () => last?.superblock,
    place: () => last,
    onSuperblock: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => {
      if (planned !== undefined) {
        clearImmediate(planned)
        flush()
      }
      notePosition()
      for (const store of stores.values()) store.close()
      files.close()
    },
  }
}

function openStores(
  { directory, chainIds, limits = limitsByDefault }: HistoryOptions,
  files: Files,
  position: Position | undefined,
): Map<number, ChainStore> {
  return new Map(
    chainIds.map((chainId) => {
      const at = { position: position?.chains.get(chainId), limits }
      return [chainId, openChainStore(files, join(directory, `${chainId}`), at)]
    }),
  )
}

type Reading = <T>(read: () => T) => T

/** A history in which a read met damage is made again at the next start. */
function watchDamage(directory: string): { reading: Reading; met: () => boolean } {
  let met = false
  return {
    met: () => met,
    reading: (read) => {
      try {
        return read()
      } catch (error) {
        if (damageOf(error) === undefined) throw error
        met = true
        rmSync(join(directory, POSITION_FILE), { force: true })
        throw error
      }
    },
  }
}

function chainHistory(chainId: number, store: ChainStore, reading: Reading): ChainHistory {
  const byNumber = (number: number) => reading(() => store.byNumber(number))
  return {
    chainId,
    head: () => {
      const number = store.last()
      const entry = number === undefined ? undefined : byNumber(number)
      if (entry === undefined) return undefined
      const { hash, timestampS } = entry.block
      return { number: entry.block.number, hash, timestampS }
    },
    last: store.last,
    byNumber,
    byHash: (hash) => reading(() => store.byHash(hash)),
    transaction: (hash) => reading(() => store.transaction(hash)),
    logs: (query, limit) => findLogs(store, reading, { query, limit }),
  }
}

async function findLogs(
  store: ChainStore,
  reading: Reading,
  { query, limit }: { query: LogQuery; limit: number },
): Promise<readonly PlacedLog[]> {
  const found: PlacedLog[] = []
  let read = 0
  for (let from = query.fromBlock; from <= query.toBlock && found.length <= limit;) {
    const { numbers, next } = reading(() => store.candidates(query, from))
    for (const number of numbers) {
      if (found.length > limit) break
      if (++read % blocksAtOnce === 0) await turn()
      const entry = reading(() => store.byNumber(number))
      assert(entry !== undefined, 'a block that was published stays')
      for (const placed of logsOf(entry)) if (matches(placed.log, query)) found.push(placed)
    }
    from = next
  }
  return found.slice(0, limit + 1)
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
