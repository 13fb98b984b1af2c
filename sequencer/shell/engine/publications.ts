import type { SealedBlock } from '../../core/entries/execution.ts'
import { decodeGenesisRecord } from '../../../sdk/protocol/slot-codec.ts'
import type { LogStore } from '../log/log-store.ts'
import type { PublishedBlock, PublishedSuperblock } from '../port.ts'
import { sealedBlockOf } from './header.ts'
import { publishedBlock } from './plans.ts'
import { superblocks } from './superblocks.ts'

type Listener = (superblock: PublishedSuperblock) => void

/** A superblock, and its last slot. */
type SuperblockPlace = { superblock: number; slot: number }

/** What became visible, for those who keep a history of it. */
export type Publications = {
  /** Keeps blocks that were mined and are about to be published. */
  sealed: (blocks: readonly PublishedBlock[]) => void
  /** Tells the listeners that the sealed blocks of these chains are visible. */
  publish: (superblock: { superblock: number; slot: bigint; chainIds: readonly number[] }) => void
  /** Tells of every superblock, or of those after one. */
  subscribe: (listener: Listener, after?: SuperblockPlace) => Promise<() => void>
}

/**
 * Makes the publications of a log that is derived up to its tip.
 *
 * @param heads - The rollups' heads: the log does not hold the headers of its last superblock yet.
 */
export function createPublications(
  log: LogStore,
  { published, heads }: { published: number; heads: ReadonlyMap<number, SealedBlock> },
): Publications {
  const listeners = new Set<Listener>()
  let waiting: readonly PublishedBlock[] = []
  let last: { number: number; value?: PublishedSuperblock } = { number: published }

  return {
    sealed: (blocks) => {
      waiting = blocks
    },
    publish: ({ superblock, slot, chainIds }) => {
      const blocks = waiting.filter(({ chainId }) => chainIds.includes(chainId))
      waiting = []
      const value = { superblock, slot, blocks }
      last = { number: superblock, value }
      for (const listener of listeners) listener(value)
    },
    subscribe: async (listener, after) => {
      const known = last
      let live: PublishedSuperblock[] | undefined = []
      const follow: Listener = (value) => (live === undefined ? listener(value) : live.push(value))
      listeners.add(follow)
      for await (const past of pastSuperblocks(log, { after, until: known.number, heads })) {
        const whole = past.superblock === known.number ? known.value : undefined
        listener(whole ?? past)
      }
      // Whoever listens has seen all up to `known`; what came meanwhile follows, then what comes.
      for (const value of live) listener(value)
      live = undefined
      return () => listeners.delete(follow)
    },
  }
}

async function* genesisSuperblock(log: LogStore): AsyncIterable<PublishedSuperblock> {
  const genesis = await log.readOne(0)
  if (genesis === undefined) return
  const { chains } = decodeGenesisRecord(genesis)
  const blocks = chains.map(({ chainId, header }) => ({
    chainId,
    block: sealedBlockOf(header),
    legs: [],
  }))
  yield { superblock: 0, slot: 0n, blocks }
}

async function* pastSuperblocks(
  log: LogStore,
  options: {
    after: SuperblockPlace | undefined
    until: number
    heads: ReadonlyMap<number, SealedBlock>
  },
): AsyncIterable<PublishedSuperblock> {
  const { after, until, heads } = options
  // Of a log that was pruned only what was kept can be told.
  const whole = after === undefined && log.first() === 1
  if (whole) yield* genesisSuperblock(log)
  const from = after === undefined ? log.first() : after.slot + 1
  let partial = after === undefined && !whole
  for await (const { number, slot, plans, headers } of superblocks(log, from)) {
    if (number > until) return
    // The superblock with which a pruned log begins may lack its first slots.
    if (partial) {
      partial = false
      continue
    }
    const blocks = [...plans].flatMap(([chainId, plan]) => {
      const header = headers.get(chainId)
      const head = heads.get(chainId)
      const atHead = head?.number === plan.env.number ? head : undefined
      const block = header === undefined ? atHead : sealedBlockOf(header)
      // A chain that stopped in this superblock has no block in it.
      return block === undefined ? [] : [publishedBlock(chainId, plan, block)]
    })
    yield { superblock: number, slot: BigInt(slot), blocks }
  }
}
