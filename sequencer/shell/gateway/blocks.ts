import { TandemError } from '../../../sdk/protocol/errors.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { ChainHead } from '../../core/entries/execution.ts'
import type { ChainHistory, HistoryBlock, LogQuery, PlacedLog } from '../history/history.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { BlockName } from './shapes.ts'

/** A rollup's history as readers see it, with what of it is on `l1`. */
export type ChainView = ChainHistory & {
  /** Number of the last block that is posted to `l1`, and of the last in a final block there. */
  tagged: (tag: 'safe' | 'finalized') => number
}

/**
 * Gives the head that readers of a chain see.
 *
 * @throws {@link TandemError} NOT_READY before the first superblock is published.
 */
export function headOf(history: ChainHistory): ChainHead {
  const head = history.head()
  if (head !== undefined) return head
  throw new TandemError('NOT_READY', {
    reason: `chain ${history.chainId} has no published block yet`,
  })
}

/** Gives the number of the block that a request names; it may be above the head. */
export function numberOf(history: ChainView, name: BlockName): number | undefined {
  if (typeof name === 'number') return name
  if (name === 'earliest') return 0
  // What is promised and not yet published has no block of its own: `pending` reads the head.
  if (name === 'latest' || name === 'pending') return headOf(history).number
  // Slots may be on `l1` before their block is published here; readers see it then (I17).
  if (typeof name === 'string') return Math.min(history.tagged(name), headOf(history).number)
  if ('blockNumber' in name) return name.blockNumber
  return history.byHash(name.blockHash)?.block.number
}

/** Finds the block that a request names; undefined when there is none. */
export function blockOf(history: ChainView, name: BlockName): HistoryBlock | undefined {
  const number = numberOf(history, name)
  return number === undefined ? undefined : history.byNumber(number)
}

/** What `eth_getLogs` asks for. */
export type LogFilter = {
  fromBlock?: BlockName | undefined
  toBlock?: BlockName | undefined
  blockHash?: Hash | undefined
  addresses: ReadonlySet<Address>
  topics: readonly ReadonlySet<Hash>[]
}

/**
 * Finds logs.
 *
 * @throws {@link TandemError} TOO_LARGE when range or answer are above their limits; INVALID_REQUEST
 * when a block hash is unknown or the range is turned around.
 */
export async function findLogs(
  history: ChainView,
  filter: LogFilter,
): Promise<readonly PlacedLog[]> {
  const { addresses, topics } = filter
  const range = rangeOf(history, filter)
  const blocks = range.toBlock - range.fromBlock + 1
  const named = addresses.size > 0 || topics.some((allowed) => allowed.size > 0)
  const limit = named ? LIMITS.rpcNamedLogBlocks : LIMITS.rpcLogBlocks
  if (blocks > limit) {
    throw new TandemError('TOO_LARGE', { what: 'range of blocks', actual: blocks, limit })
  }
  const query: LogQuery = { ...range, addresses, topics }
  const found = await history.logs(query, LIMITS.rpcLogs)
  if (found.length > LIMITS.rpcLogs) {
    throw new TandemError('TOO_LARGE', {
      what: 'answer in logs',
      actual: `more than ${LIMITS.rpcLogs}`,
      limit: LIMITS.rpcLogs,
    })
  }
  return found
}

function rangeOf(
  history: ChainView,
  { fromBlock = 'latest', toBlock = 'latest', blockHash }: LogFilter,
): { fromBlock: number; toBlock: number } {
  if (blockHash !== undefined) {
    const number = history.byHash(blockHash)?.block.number
    if (number === undefined) {
      throw new TandemError('INVALID_REQUEST', {
        rule: 'the block is known',
        path: `blockHash ${blockHash}`,
      })
    }
    return { fromBlock: number, toBlock: number }
  }
  const head = headOf(history).number
  const from = numberOf(history, fromBlock) ?? 0
  const to = numberOf(history, toBlock) ?? head
  if (from > to) {
    throw new TandemError('INVALID_REQUEST', {
      rule: `fromBlock is at most toBlock: ${from} and ${to}`,
      path: 'params.0',
    })
  }
  return { fromBlock: from, toBlock: Math.min(to, head) }
}
