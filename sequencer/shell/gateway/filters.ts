import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { logJson } from '../history/ethereum-format.ts'
import { findLogs, headOf, numberOf, type ChainView, type LogFilter } from './blocks.ts'
import { method, type RpcMethod } from './json-rpc.ts'
import { filterOf, filterShape } from './log-filter.ts'
import type { Pending } from './pending.ts'
import { StandardRpcError } from './standard-error.ts'

/** What the filters of one rollup work with. */
export type FiltersOptions = {
  history: ChainView
  pending: Pick<Pending, 'place' | 'since'>
  /** Milliseconds of a clock that only runs. */
  elapsedMs: () => number
}

/**
 * A filter is a place up to which its owner has heard everything: nothing is kept for those who do
 * not come back.
 */
type Filter = { usedAtMs: number } & (
  | { kind: 'logs'; filter: LogFilter; next: number }
  | { kind: 'blocks'; next: number }
  | { kind: 'pending'; next: number }
)

/** Code that clients know as "make the filter again". */
const unknownFilter = -32_000

/** Makes the methods of polling filters: for clients without a WebSocket. */
export function filterMethods(options: FiltersOptions): [string, RpcMethod][] {
  const { history, pending, elapsedMs } = options
  const { chainId } = history
  const filters = createFilters(elapsedMs)
  const nextBlock = () => headOf(history).number + 1
  return [
    [
      'eth_newFilter',
      method(z.tuple([filterShape]), ([request]) => {
        const filter = filterOf(request)
        const next = firstToHear(history, filter)
        return filters.add((usedAtMs) => ({ kind: 'logs', filter, next, usedAtMs }))
      }),
    ],
    [
      'eth_newBlockFilter',
      method(z.tuple([]), () =>
        filters.add((usedAtMs) => ({ kind: 'blocks', next: nextBlock(), usedAtMs })),
      ),
    ],
    [
      'eth_newPendingTransactionFilter',
      method(z.tuple([z.boolean().optional()]), () =>
        filters.add((usedAtMs) => ({ kind: 'pending', next: pending.place(chainId), usedAtMs })),
      ),
    ],
    [
      'eth_getFilterChanges',
      method(z.tuple([z.string()]), ([id]) => changesOf(options, filters.use(id))),
    ],
    [
      'eth_getFilterLogs',
      method(z.tuple([z.string()]), async ([id]) => {
        const found = filters.use(id)
        if (found.kind !== 'logs') throw filterNotFound()
        return (await findLogs(history, found.filter)).map(logJson)
      }),
    ],
    ['eth_uninstallFilter', method(z.tuple([z.string()]), ([id]) => filters.remove(id))],
  ]
}

/** A filter hears what comes after it was made; what was there before, `eth_getFilterLogs` gives. */
function firstToHear(history: ChainView, { fromBlock }: LogFilter): number {
  const after = headOf(history).number + 1
  const asked = fromBlock === undefined ? undefined : numberOf(history, fromBlock)
  return asked === undefined ? after : Math.max(asked, after)
}

async function changesOf(
  { history, pending }: FiltersOptions,
  filter: Filter,
): Promise<readonly unknown[]> {
  const { chainId } = history
  if (filter.kind === 'pending') {
    const hashes = pending.since(chainId, filter.next)
    filter.next = pending.place(chainId)
    return hashes
  }
  const from = filter.next
  const head = headOf(history).number
  const until = Math.min(head, from + LIMITS.rpcFilterBlocks - 1)
  if (until < from) return []
  if (filter.kind === 'blocks') {
    filter.next = until + 1
    const hashes: Hash[] = []
    for (let number = from; number <= until; number++) {
      const hash = history.byNumber(number)?.block.hash
      if (hash !== undefined) hashes.push(hash)
    }
    return hashes
  }
  const last =
    filter.filter.toBlock === undefined ? until : numberOf(history, filter.filter.toBlock)
  const toBlock = Math.min(until, last ?? until)
  if (toBlock < from) return []
  const { addresses, topics } = filter.filter
  const found = await findLogs(history, { fromBlock: from, toBlock, addresses, topics })
  // Only what was told counts as heard: an answer that failed can be asked for again.
  filter.next = Math.max(filter.next, toBlock + 1)
  return found.map(logJson)
}

type Filters = {
  add: (make: (usedAtMs: number) => Filter) => string
  /** @throws {@link StandardRpcError} when the filter is unknown or was not used for too long. */
  use: (id: string) => Filter
  remove: (id: string) => boolean
}

function createFilters(elapsedMs: () => number): Filters {
  const filters = new Map<string, Filter>()
  const expired = ({ usedAtMs }: Filter) => elapsedMs() - usedAtMs > LIMITS.rpcFilterMs
  return {
    add: (make) => {
      // In order of their last use: the first one that is in use ends the search.
      for (const [id, filter] of filters) {
        if (!expired(filter)) break
        filters.delete(id)
      }
      if (filters.size >= LIMITS.rpcFilters) {
        const values = { queue: 'list of filters', actual: filters.size, limit: LIMITS.rpcFilters }
        throw new TandemError('OVERLOADED', values)
      }
      // Nobody guesses another's filter; the first digit is not 0, as in every quantity.
      const id = `0x${randomBytes(16).toString('hex').replace(/^0/, 'f')}`
      filters.set(id, make(elapsedMs()))
      return id
    },
    use: (id) => {
      const filter = filters.get(id)
      if (filter === undefined || expired(filter)) {
        filters.delete(id)
        throw filterNotFound()
      }
      filter.usedAtMs = elapsedMs()
      filters.delete(id)
      filters.set(id, filter)
      return filter
    },
    remove: (id) => filters.delete(id),
  }
}

function filterNotFound(): StandardRpcError {
  return new StandardRpcError(unknownFilter, 'filter not found', {})
}
