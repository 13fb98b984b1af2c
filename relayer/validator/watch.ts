import type { Logger } from '../../sdk/process/log.ts'
import { merkleTreeHookAbi } from '../../sdk/abi/hyperlane.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { checkpointDigest, type Checkpoint } from '../core/checkpoint.ts'
import type { SignedCheckpoint } from '../core/checkpoint-file.ts'
import { emptyTree, insertLeaf, treeRoot } from '../core/merkle-tree.ts'
import { blockRanges } from '../core/sequence.ts'
import { readContract, readHead, type At, type Chain } from '../shell/chains.ts'
import { readOriginLogs } from '../shell/logs.ts'
import { RpcError } from '../shell/rpc.ts'
import type { Signer } from '../shell/signer.ts'
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
  const tree = emptyTree()
  let nextBlock = 0
  let signed = signedNext
  let halted = (await storage.reorgFlag()) === undefined ? undefined : 'the reorg flag stands'
  let stopped = halted !== undefined
  /** Leaves that may still be signed or compared: from the last signed one on. */
  const open = new Map<number, Leaf>()
  /** The deepest that the chain has confirmed so far: a later block may not have fewer leaves. */
  let deepest: { blockNumber: number; count: number } | undefined
  const last = signed === 0 ? undefined : await storage.checkpoint(signed - 1)

  const halt = async (index: number, localRoot: Hash, chainRoot: Hash) => {
    // Signing stops before anything else can fail; it is told once the flag will outlive this process.
    stopped = true
    const { reorgPeriod } = chain
    const flag = { localRoot, chainRoot, index, timestampS: context.nowS(), reorgPeriod }
    await storage.writeReorgFlag(flag)
    halted = `root at leaf ${index} is ${localRoot} here and ${chainRoot} on ${chain.name}`
    log.error({ chain: chain.name, ...flag }, 'tree differs from the chain, signing stopped')
  }

  const follow = async (target: number) => {
    for (const [from, to] of blockRanges(nextBlock, target, BLOCKS_PER_QUERY)) {
      const { leaves } = await readOriginLogs(chain, from, to)
      for (const { index, messageId } of leaves) {
        if (index > tree.count) throw new Error(`leaf ${tree.count} is missing before block ${to}`)
        if (index < tree.count) return await halt(index, treeRoot(tree), messageId)
        insertLeaf(tree, messageId)
        // Roots of what was signed before are not needed again, but for the newest.
        if (index >= signed - 1) open.set(index, { index, root: treeRoot(tree), messageId })
      }
      nextBlock = to + 1
    }
    const first = signed - 1
    const mine = open.get(first)
    const stored = last?.checkpoint.root
    if (
      mine !== undefined &&
      first === signedNext - 1 &&
      stored !== undefined &&
      stored !== mine.root
    ) {
      await halt(first, mine.root, stored)
    }
  }

  const look = async () => {
    if (stopped) return
    const confirmed = await confirmedRoot(chain)
    if (confirmed === undefined) return
    // The head went back, or this node lags: what was confirmed is compared when it is reached again.
    if (deepest !== undefined && confirmed.blockNumber < deepest.blockNumber) return
    if (deepest !== undefined && confirmed.count < deepest.count) {
      return await halt(deepest.count - 1, treeRoot(tree), confirmed.root)
    }
    deepest = { blockNumber: confirmed.blockNumber, count: confirmed.count }
    await follow(confirmed.blockNumber)
    if (stopped || confirmed.count === 0) return
    const index = confirmed.count - 1
    const mine = open.get(index)
    if (mine === undefined) {
      if (index >= tree.count) throw new Error(`leaf ${index} is not among the events yet`)
      return
    }
    if (mine.root !== confirmed.root) return await halt(index, mine.root, confirmed.root)
    while (signed <= index && !stopped) {
      const batch = leavesFrom(open, signed, Math.min(index, signed + SIGN_BATCH - 1))
      const conflict = await signAndStore(context, batch)
      if (conflict !== undefined) return await halt(conflict.index, conflict.root, conflict.stored)
      for (const leaf of batch) open.delete(leaf.index - 1)
      signed += batch.length
    }
  }
  return { look, state: () => ({ leaves: tree.count, root: treeRoot(tree), signed, halted }) }
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
 */
async function confirmedRoot(
  chain: Chain,
): Promise<{ blockNumber: number; root: Hash; count: number } | undefined> {
  const { rpc, reorgPeriod } = chain
  if (reorgPeriod === 0) {
    const latest = await rootAt(chain, 'latest')
    const head = await readHead(rpc, 'latest')
    return head && { blockNumber: head.number, ...latest }
  }
  const head = await readHead(rpc, 'latest')
  if (head === undefined || head.number < reorgPeriod) return undefined
  const target = await readHead(rpc, head.number - reorgPeriod)
  if (target === undefined) return undefined
  return { blockNumber: target.number, ...(await rootAt(chain, { blockHash: target.hash })) }
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
