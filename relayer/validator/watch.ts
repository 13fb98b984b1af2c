import type { Logger } from '../../sdk/process/log.ts'
import { merkleTreeHookAbi } from '../../sdk/abi/hyperlane.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { checkpointDigest, type Checkpoint } from '../core/checkpoint.ts'
import type { SignedCheckpoint } from '../core/checkpoint-file.ts'
import { emptyTree, insertLeaf, treeRoot } from '../core/merkle-tree.ts'
import { blockRanges } from '../core/sequence.ts'
import { readContract, readHead, type At, type Chain } from '../shell/chains/chains.ts'
import { readOriginLogs } from '../shell/chains/logs.ts'
import type { Provider } from '../shell/chains/providers.ts'
import { RpcError } from '../shell/chains/rpc.ts'
import type { Signer } from '../shell/submitting/signer.ts'
import type { Published } from './published.ts'
import type { Storage } from './storage.ts'

/** Follows an origin's tree and signs what the chain itself confirms. */
export type Watch = {
  /** Looks at the chain once; to be called at each new head. */
  look: () => Promise<void>
  state: () => WatchState
}

/** What the operator sees of a validator. */
export type WatchState = {
  /** Leaves of the tree as rebuilt from the chain's events. */
  leaves: number
  root: Hash
  signed: number
  /** Why nothing is signed any more: only a person may lift it. */
  halted: string | undefined
}

/** What a validator works with. */
export type WatchContext = {
  chain: Chain
  signer: Signer
  storage: Storage
  published: Published
  log: Logger
  /** Seconds since 1970, for the reorg flag. */
  nowS: () => number
}

type Leaf = { index: number; root: Hash; messageId: Hash }

const BLOCKS_PER_QUERY = 1_000
const SIGN_BATCH = 256

/**
 * Starts watching an origin.
 *
 * @param signedNext - One past the newest checkpoint on disk.
 * @throws when the reorg flag cannot be read, or a checkpoint on disk is none.
 */
export async function startWatch(context: WatchContext, signedNext: number): Promise<Watch> {
  const { chain, storage, log } = context
  let tree = emptyTree()
  let nextBlock = 0
  const doubts = createDoubts(context)
  let signed = signedNext
  let halted = (await storage.reorgFlag()) === undefined ? undefined : 'the reorg flag stands'
  let stopped = halted !== undefined
  /** Leaves that may still be signed or compared: from the last signed one on. */
  const open = new Map<number, Leaf>()
  /** The deepest that the chain has confirmed so far: a later block may not have fewer leaves. */
  let deepest: { blockNumber: number; count: number } | undefined
  const newest = async () => (signed === 0 ? undefined : await storage.checkpoint(signed - 1))
  /** What was signed last when the leaves began to be read: they are held against it. */
  let lastSigned = await newest()

  const halt = async (index: number, localRoot: Hash, chainRoot: Hash) => {
    // Signing stops before anything else can fail; it is told once the flag will outlive this process.
    stopped = true
    const { reorgPeriod } = chain
    const flag = { localRoot, chainRoot, index, timestampS: context.nowS(), reorgPeriod }
    await storage.writeReorgFlag(flag)
    halted = `root at leaf ${index} is ${localRoot} here and ${chainRoot} on ${chain.name}`
    log.error({ chain: chain.name, ...flag }, 'tree differs from the chain, signing stopped')
  }

  /** Begins the tree anew, if another provider may tell it better: a lie of one is no reorg. */
  const rereadUnlessSure = async (provider: Provider, index: number) => {
    if (!doubts.raise(provider)) return
    tree = emptyTree()
    nextBlock = 0
    open.clear()
    lastSigned = await newest()
    throw new RereadError(index)
  }

  const follow = async (provider: Provider, target: number) => {
    for (const [from, to] of blockRanges(nextBlock, target, BLOCKS_PER_QUERY)) {
      const { leaves } = await readOriginLogs({ ...chain, rpc: provider }, from, to)
      for (const { index, messageId } of leaves) {
        if (index !== tree.count) await rereadUnlessSure(provider, index)
        if (index > tree.count) throw new Error(`leaf ${tree.count} is missing before block ${to}`)
        if (index < tree.count) return await halt(index, treeRoot(tree), messageId)
        insertLeaf(tree, messageId)
        // Roots of what was signed before are not needed again, but for the newest.
        if (index >= signed - 1) open.set(index, { index, root: treeRoot(tree), messageId })
      }
      nextBlock = to + 1
    }
    const broken = contradicted(lastSigned?.checkpoint, open)
    if (broken !== undefined) await halt(broken.index, broken.root, broken.stored)
  }

  const look = async () => {
    if (stopped) return
    const provider = chain.providers.pick()
    const confirmed = await confirmedRoot(chain, provider)
    if (confirmed === undefined) return
    // The head went back, or this node lags: what was confirmed is compared when it is reached again.
    if (deepest !== undefined && confirmed.blockNumber < deepest.blockNumber) return
    if (deepest !== undefined && confirmed.count < deepest.count) {
      return await halt(deepest.count - 1, treeRoot(tree), confirmed.root)
    }
    deepest = { blockNumber: confirmed.blockNumber, count: confirmed.count }
    await follow(provider, confirmed.blockNumber)
    if (stopped || confirmed.count === 0) return
    const index = confirmed.count - 1
    const mine = open.get(index)
    const fits = mine === undefined ? index < tree.count : mine.root === confirmed.root
    if (!fits) await rereadUnlessSure(provider, index)
    if (index >= tree.count) throw new Error(`leaf ${index} is not among the events yet`)
    if (mine === undefined) return
    if (mine.root !== confirmed.root) return await halt(index, mine.root, confirmed.root)
    doubts.settle()
    const { conflict, next } = await signUpTo(context, open, { from: signed, to: index })
    signed = next
    if (conflict !== undefined) await halt(conflict.index, conflict.root, conflict.stored)
  }
  return { look, state: () => ({ leaves: tree.count, root: treeRoot(tree), signed, halted }) }
}

/** A leaf whose root differs from the one that was signed for it. */
function contradicted(
  stored: Checkpoint | undefined,
  open: ReadonlyMap<number, Leaf>,
): (Leaf & { stored: Hash }) | undefined {
  const mine = stored && open.get(stored.index)
  if (stored === undefined || mine === undefined || stored.root === mine.root) return undefined
  return { ...mine, stored: stored.root }
}

/** Counts how often the tree was read anew since it last fitted: at most once for each provider. */
function createDoubts({ chain, log }: WatchContext) {
  let times = 0
  return {
    raise: (provider: Provider): boolean => {
      if (times >= chain.providers.all().length - 1) return false
      times += 1
      chain.providers.demote(provider)
      log.warn({ chain: chain.name, provider: provider.name }, 'leaves are read anew from another')
      return true
    },
    settle: () => {
      times = 0
    },
  }
}

/** Signs leaves that are open; gives where to go on, and what contradicts an earlier signature. */
async function signUpTo(
  context: WatchContext,
  open: Map<number, Leaf>,
  { from, to }: { from: number; to: number },
): Promise<{ conflict?: (Leaf & { stored: Hash }) | undefined; next: number }> {
  let next = from
  while (next <= to) {
    const batch = leavesFrom(open, next, Math.min(to, next + SIGN_BATCH - 1))
    const conflict = await signAndStore(context, batch)
    if (conflict !== undefined) return { conflict, next }
    for (const leaf of batch) open.delete(leaf.index - 1)
    next += batch.length
  }
  return { next }
}

function leavesFrom(open: ReadonlyMap<number, Leaf>, from: number, to: number): readonly Leaf[] {
  const leaves: Leaf[] = []
  for (let index = from; index <= to; index++) {
    const leaf = open.get(index)
    if (leaf === undefined) throw new Error(`leaf ${index} is not among the events`)
    leaves.push(leaf)
  }
  return leaves
}

/** Signs, writes to disk, and only then shows; a different root that was signed before stops it. */
async function signAndStore(
  { chain, signer, storage, published }: WatchContext,
  leaves: readonly Leaf[],
): Promise<(Leaf & { stored: Hash }) | undefined> {
  const signed: SignedCheckpoint[] = []
  for (const leaf of leaves) {
    const stored = (await storage.checkpoint(leaf.index))?.checkpoint.root
    if (stored !== undefined && stored !== leaf.root) return { ...leaf, stored }
    const checkpoint: Checkpoint = { ...leaf, hook: chain.merkleTreeHook, origin: chain.chainId }
    signed.push({ checkpoint, signature: await signer.signDigest(checkpointDigest(checkpoint)) })
  }
  await storage.writeCheckpoints(signed)
  published.add(signed)
  return undefined
}

/**
 * Asks the chain for a root that it stands by: at the reorg period's depth, by block hash.
 *
 * A chain that never goes back is asked at its head, before the head is read, so that the events up
 * to that head cover the root; no state of the past is needed, which such nodes do not keep.
 * Where there are several providers another must give the same root, or nothing is signed.
 */
async function confirmedRoot(given: Chain, provider: Provider): Promise<Confirmed | undefined> {
  const chain = { ...given, rpc: provider }
  const { rpc, reorgPeriod, providers } = chain
  const alone = providers.all().length === 1
  if (reorgPeriod === 0 && alone) {
    const latest = await rootAt(chain, 'latest')
    const head = await readHead(rpc, 'latest')
    return head && { blockNumber: head.number, ...latest }
  }
  const head = await readHead(rpc, 'latest')
  if (head === undefined || head.number < reorgPeriod) return undefined
  const target = await readHead(rpc, head.number - reorgPeriod)
  if (target === undefined) return undefined
  const at = { blockHash: target.hash }
  const confirmed = { blockNumber: target.number, ...(await rootAt(chain, at)) }
  if (!alone) await requireSecondRoot(chain, { provider, at, confirmed })
  return confirmed
}

type Confirmed = { blockNumber: number; root: Hash; count: number }

/** Asks every other provider for the same block's root: one at least must give it, none another. */
async function requireSecondRoot(
  chain: Chain,
  { provider, at, confirmed }: { provider: Provider; at: At; confirmed: Confirmed },
): Promise<void> {
  const others = chain.providers.all().filter(({ name }) => name !== provider.name)
  const heard = await Promise.allSettled(others.map((rpc) => rootAt({ ...chain, rpc }, at)))
  const roots = heard.flatMap((one) => (one.status === 'fulfilled' ? [one.value.root] : []))
  const other = roots.find((root) => root !== confirmed.root)
  if (other !== undefined) {
    chain.onDisagreement?.(chain.name)
    throw new Error(
      `providers disagree on the root at block ${confirmed.blockNumber}: ${confirmed.root}, ${other}`,
    )
  }
  if (roots.length === 0) {
    throw new Error(`no second provider gives the root at block ${confirmed.blockNumber}`)
  }
}

/** The leaves are read again, from another provider. */
class RereadError extends Error {
  constructor(index: number) {
    super(`leaf ${index} does not fit; the leaves are read again from another provider`)
  }
}

/** Root and count in one answer, so that no block can come between them. */
async function rootAt(chain: Chain, at: At): Promise<{ root: Hash; count: number }> {
  const { rpc, merkleTreeHook: address } = chain
  const request = { address, abi: merkleTreeHookAbi, args: [], at } as const
  try {
    const [root, index] = await readContract(rpc, { ...request, functionName: 'latestCheckpoint' })
    return { root, count: index + 1 }
  } catch (error) {
    // The contract has no answer for a tree without leaves; any other error shows in the count too.
    if (!(error instanceof RpcError)) throw error
    const count = await readContract(rpc, { ...request, functionName: 'count' })
    if (count !== 0) throw error
    return { root: treeRoot(emptyTree()), count }
  }
}
