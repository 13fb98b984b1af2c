import type { Redis } from 'ioredis'
import { mailboxAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Logger } from '../../../sdk/process/log.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { blockRanges, checkSequence, type BlockMark } from '../../core/sequence.ts'
import { readContract, readHead, type BlockHead, type Chain } from '../chains/chains.ts'
import type { Fence } from '../redis/commit.ts'
import { loadCursor, saveCursor, type Cursor } from '../redis/cursor.ts'
import { isSilent, type Heads } from '../chains/heads.ts'
import type { Intake } from './intake.ts'
import type { RedisKeys } from '../redis/keys.ts'
import { holdLease } from '../redis/lease.ts'
import { readOriginLogs, type OriginLogs } from '../chains/logs.ts'
import type { Metrics } from '../operating/metrics.ts'
import type { Provider } from '../chains/providers.ts'
import { undoReorg } from './reorg.ts'
import { RpcError } from '../chains/rpc.ts'
import { createScout } from './scout.ts'
import { compareProviders } from '../chains/witness.ts'

/** Searches one origin for messages; one process at a time does it. */
export type Indexer = {
  chainName: string
  chainId: number
  /** Why it does not get ahead; undefined when it does. */
  trouble: () => string | undefined
  /** True while this process is the one that searches. */
  owned: () => boolean
  /** Searches now: somebody has heard that there is something. */
  hint: () => void
  stop: () => Promise<void>
}

/** What an indexer works with. */
export type IndexerContext = {
  chain: Chain
  heads: Heads
  redis: Redis
  keys: RedisKeys
  intake: Intake
  metrics: Metrics
  log: Logger
}

const BLOCKS_PER_QUERY = 1_000
const MARKS_MAX = 64
/** Blocks whose messages can be taken back: more than there are marks. */
const BLOCKS_REMEMBERED = 4 * MARKS_MAX
const OVERLAP_BLOCKS_MIN = 5
const LEASE_TTL_MS = 3_000
/** A search that failed is made again after this, should no new head come before. */
const RETRY_MS = 500

/** Starts the search of an origin. */
export function startIndexer(context: IndexerContext): Indexer {
  const { chain, heads, redis, keys, metrics, log } = context
  let trouble: string | undefined = 'not started'
  const lease = holdLease({
    redis,
    keys,
    name: `indexer-${chain.chainId}`,
    ttlMs: LEASE_TTL_MS,
    onGain: () => void tick(),
  })
  let ticking: Promise<void> | undefined
  let again = false
  let stopped = false
  let retry: NodeJS.Timeout | undefined

  // A Redis that comes back may be another one, without what this process has written.
  redis.on('ready', context.intake.forget)
  const memory: Memory = { cursor: undefined }

  const once = async () => {
    const fence = lease.fence()
    if (fence === undefined) {
      trouble = undefined
      return
    }
    try {
      trouble = await search(context, { fence, memory })
    } catch (error) {
      trouble = `search failed: ${(error as Error).message.split('\n', 1)[0]}`
      metrics.failures.inc({ part: 'indexer' })
      log.debug({ err: error }, 'search failed')
    }
  }
  // Blocks that come while a search runs are one more search, not one each.
  const tick = async (): Promise<void> => {
    again = true
    ticking ??= (async () => {
      while (again) {
        again = false
        await once()
      }
      ticking = undefined
      clearTimeout(retry)
      if (trouble !== undefined && !stopped) retry = setTimeout(() => void tick(), RETRY_MS)
    })()
    await ticking
  }
  const scout = createScout(context)
  const scouting = heads.subscribe((head) => scout(head, ticking && lease.fence()))
  const searching = heads.subscribe(tick)
  return {
    chainName: chain.name,
    chainId: chain.chainId,
    trouble: () => (isSilent(heads) ? 'the chain does not answer' : trouble),
    owned: () => lease.fence() !== undefined,
    hint: () => searching.wake(),
    stop: async () => {
      searching.end()
      scouting.end()
      stopped = true
      again = false
      clearTimeout(retry)
      await ticking
      redis.off('ready', context.intake.forget)
      await lease.stop()
    },
  }
}

/** What a process remembers from one search to the next. */
type Memory = { cursor: string | undefined }

/** Searches up to the head; gives the reason when it cannot vouch for having found everything. */
async function search(
  given: IndexerContext,
  { fence, memory }: { fence: Fence; memory: Memory },
): Promise<string | undefined> {
  // One provider tells everything of one search, so that head, logs and count are of one mind.
  const provider = given.chain.providers.pick()
  const chain = { ...given.chain, rpc: provider }
  const context = { ...given, chain }
  const { redis, keys, intake } = context
  const countThen = countAt(chain, 'latest')
  const [floor, head] = await Promise.all([countThen, readHead(chain.rpc, 'latest')])
  if (head === undefined) return 'the chain has no head'
  let stored = await loadCursor(redis, keys, chain.chainId)
  // Where the cursor is not as we left it, what we remember to have written may not be there either.
  if (stored === undefined || stored.text !== memory.cursor) intake.forget()
  const undone = stored && (await undoReorg(context, { fence, stored, head }))
  if (undone?.status === 'halted') return undone.reason
  if (undone?.status === 'undone') stored = await loadCursor(redis, keys, chain.chainId)

  const exactCount = countAt(chain, { blockHash: head.hash }).catch((error: unknown) => {
    // Nodes that keep little history forget a block's state within moments.
    if (error instanceof RpcError) return undefined
    throw error
  })
  // Whoever awaits it gets the error; until then it must not count as nobody's.
  exactCount.catch(() => undefined)
  let cursor: Cursor = stored?.cursor ?? { version: 1, next: 0, count: 0, marks: [] }
  let before = stored?.text ?? null
  const overlap = Math.max(chain.reorgPeriod, OVERLAP_BLOCKS_MIN)
  const marks = await marksUpTo(chain, head, cursor)
  for (const [from, to] of blockRanges(
    Math.max(0, cursor.next - overlap),
    head.number,
    BLOCKS_PER_QUERY,
  )) {
    const logs = await readOriginLogs(chain, from, to)
    requireSameChain(logs, marks)
    const last = to === head.number
    const omission = await omissionIn(context, provider, { from, to, head, logs })
    if (omission !== undefined) return omission
    const found = await intake.take(logs, fence)
    const exact = last ? await exactCount : undefined
    const chainCount = exact ?? (last ? floor : 0)
    const check = checkSequence({
      known: cursor.count,
      found,
      chainCount,
      exact: exact !== undefined,
    })
    if (check.status !== 'ok') {
      // Somebody else may tell what this provider leaves out.
      chain.providers.demote(provider)
      return explain(context, check, to)
    }
    const after: Cursor = {
      version: 1,
      next: to + 1,
      count: check.count,
      marks: last ? marks : [],
    }
    const { chainId } = chain
    const old = `(${to - BLOCKS_REMEMBERED}`
    const writes = [['ZREMRANGEBYSCORE', keys.blocks(chainId), '-inf', old] as const]
    const saved = await saveCursor(redis, keys, { chainId, fence, before, after, writes })
    if (saved !== 'ok') return `the cursor was moved by another process (${saved})`
    before = JSON.stringify(after)
    memory.cursor = before
    cursor = after
    report(context, cursor)
  }
  return undefined
}

/** Says what a provider left out that another tells; undefined when nothing is known of that. */
async function omissionIn(
  { chain, metrics }: IndexerContext,
  provider: Provider,
  { head, ...range }: { from: number; to: number; head: BlockHead; logs: OriginLogs },
): Promise<string | undefined> {
  if (chain.providers.all().length === 1) return undefined
  const { from, to } = range
  const toHash = to === head.number ? head.hash : (await readHead(provider, to))?.hash
  const omitted = await compareProviders(chain, { provider, toHash, ...range })
  if (!omitted) return undefined
  metrics.logGaps.inc({ chain: chain.name })
  return `${provider.name} leaves out dispatches of blocks ${from} to ${to}`
}

function countAt(chain: Chain, at: 'latest' | { blockHash: Hash }): Promise<number> {
  const { rpc, mailbox: address } = chain
  return readContract(rpc, { address, abi: mailboxAbi, functionName: 'nonce', args: [], at })
}

/** Marks of the newest blocks up to the head; each is the parent of the next. */
async function marksUpTo(
  chain: Chain,
  head: BlockHead,
  cursor: Cursor,
): Promise<readonly BlockMark[]> {
  const newest = cursor.marks.at(-1)?.number ?? -1
  const from = Math.max(newest + 1, head.number - MARKS_MAX + 1, 0)
  const numbers = Array.from({ length: Math.max(0, head.number - from) }, (_, i) => from + i)
  const heads = await Promise.all(numbers.map((number) => readHead(chain.rpc, number)))
  const fresh = newest === head.number ? [] : [...heads, head]
  const marks = newest + 1 === from ? [...cursor.marks] : []
  for (const block of fresh) {
    if (block === undefined) throw new Error('a block vanished while it was searched')
    const parent = marks.at(-1)
    if (parent !== undefined && parent.hash !== block.parentHash) {
      throw new Error(`block ${block.number} does not follow block ${parent.number}`)
    }
    marks.push({ number: block.number, hash: block.hash })
  }
  return marks.slice(-MARKS_MAX)
}

function requireSameChain(logs: OriginLogs, marks: readonly BlockMark[]): void {
  const hashes = new Map(marks.map(({ number, hash }) => [number, hash]))
  const blocks = [...logs.dispatches.map(({ position }) => position), ...logs.leaves]
  for (const { blockNumber, blockHash } of blocks) {
    const expected = hashes.get(blockNumber)
    if (expected !== undefined && expected !== blockHash) {
      throw new Error(`logs of block ${blockNumber} are of another branch`)
    }
  }
}

function explain(
  { chain, metrics, log }: IndexerContext,
  check: Exclude<ReturnType<typeof checkSequence>, { status: 'ok' }>,
  to: number,
): string {
  metrics.logGaps.inc({ chain: chain.name })
  log.warn({ chain: chain.name, to, ...check }, 'dispatches do not add up')
  if (check.status === 'ahead') {
    return `found ${check.count} dispatches up to block ${to}; the Mailbox counts ${check.expected}`
  }
  return `dispatch ${check.firstMissing} of ${check.expected} is missing up to block ${to}`
}

function report({ chain, metrics }: IndexerContext, { next, count }: Cursor): void {
  const labels = { data_type: 'dispatched_messages', chain: chain.name }
  metrics.syncBlock.set(labels, next - 1)
  metrics.syncLiveness.set(labels, Math.floor(Date.now() / 1000))
  metrics.cursorBlock.set(
    { event_type: 'dispatched_messages', chain: chain.name, cursor_type: 'forward_sequenced' },
    next,
  )
  metrics.cursorSequence.set({ event_type: 'dispatched_messages', chain: chain.name }, count)
}
