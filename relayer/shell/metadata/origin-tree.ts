import type { Hash } from '../../../sdk/protocol/hex.ts'
import {
  copyTree,
  emptyTree,
  insertLeaf,
  pathOfNext,
  rootOfProof,
  type MerkleTree,
} from '../../core/merkle-tree.ts'
import { blockRanges } from '../../core/sequence.ts'
import { readHead, type Chain } from '../chains/chains.ts'
import { readOriginLogs } from '../chains/logs.ts'

/** Paths of leaves in origins' trees, rebuilt from the chains' own events when first asked for. */
export type OriginTrees = {
  /**
   * Gives the path of a leaf in the tree in which it is the newest.
   *
   * @returns undefined when the leaves that were found do not lead to `root`: they are read anew.
   */
  pathOf: (
    origin: Chain,
    leaf: { index: number; messageId: Hash; root: Hash },
  ) => Promise<readonly Hash[] | undefined>
}

const BLOCKS_PER_QUERY = 1_000
/** Leaves between trees that are kept, so that an older leaf's path needs no more insertions than this. */
const KEPT_EVERY = 512

type State = { next: number; leaves: Hash[]; kept: MerkleTree[]; reading: Promise<void> }

/** Makes the trees of a network's origins; nothing is read until the first question. */
export function createOriginTrees(): OriginTrees {
  const states = new Map<number, State>()
  const fresh = (): State => {
    return { next: 0, leaves: [], kept: [emptyTree()], reading: Promise.resolve() }
  }
  const catchUp = async (origin: Chain, state: State) => {
    const head = await readHead(origin.rpc, 'latest')
    for (const [from, to] of blockRanges(state.next, head?.number ?? -1, BLOCKS_PER_QUERY)) {
      const { leaves } = await readOriginLogs(origin, from, to)
      for (const { index, messageId } of leaves) {
        if (index !== state.leaves.length) throw new Error(`leaf ${state.leaves.length} is missing`)
        state.leaves.push(messageId)
      }
      state.next = to + 1
    }
  }
  const pathOf: OriginTrees['pathOf'] = async (origin, { index, messageId, root }) => {
    const state = states.get(origin.chainId) ?? fresh()
    states.set(origin.chainId, state)
    if (index >= state.leaves.length) {
      state.reading = state.reading.catch(() => {}).then(() => catchUp(origin, state))
      await state.reading
    }
    const path = pathOfNext(treeBefore(state, index))
    if (state.leaves[index] === messageId && rootOfProof(messageId, index, path) === root) {
      return path
    }
    // The chain went another way than what was read: begin anew.
    states.delete(origin.chainId)
    return undefined
  }
  return { pathOf }
}

/** The tree of the leaves below an index. */
function treeBefore({ leaves, kept }: State, index: number): MerkleTree {
  const wanted = Math.min(Math.floor(index / KEPT_EVERY), kept.length - 1)
  const tree = copyTree(kept[wanted] ?? emptyTree())
  while (tree.count < index) {
    const leaf = leaves[tree.count]
    if (leaf === undefined) break
    insertLeaf(tree, leaf)
    if (tree.count === kept.length * KEPT_EVERY) kept.push(copyTree(tree))
  }
  return tree
}
