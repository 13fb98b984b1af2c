import { hexToBytes, bytesToHex } from 'viem/utils'
import { keccak256Bytes } from '../../sdk/protocol/keccak.ts'
import { assert } from '../../sdk/protocol/assert.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'

/** Levels of Hyperlane's tree: it takes 2^32 − 1 leaves. */
export const TREE_DEPTH = 32

const LEAVES_MAX = 2 ** TREE_DEPTH - 1

/** An append-only Merkle tree of message ids, kept as its left frontier: mutable, 1 kB. */
export type MerkleTree = {
  /** For each level, the last completed left node. */
  readonly frontier: Uint8Array[]
  /** Leaves so far. */
  count: number
}

/** A leaf's path to a root. */
export type MerkleProof = { leaf: Hash; index: number; path: readonly Hash[]; root: Hash }

const zeroHashes = emptySubtrees()

/** Makes a tree without leaves. */
export function emptyTree(): MerkleTree {
  return { frontier: zeroHashes.slice(0, TREE_DEPTH), count: 0 }
}

/**
 * Appends a leaf, in place.
 *
 * @throws InvariantError when the tree is full.
 */
export function insertLeaf(tree: MerkleTree, leaf: Hash): void {
  assert(tree.count < LEAVES_MAX, 'the tree has room')
  tree.count += 1
  let node = hexToBytes(leaf)
  let position = tree.count
  for (let level = 0; level < TREE_DEPTH; level++) {
    if (position % 2 === 1) {
      tree.frontier[level] = node
      return
    }
    node = hashPair(nodeAt(tree.frontier, level), node)
    position = Math.floor(position / 2)
  }
  assert(false, 'a leaf finds its level')
}

/** Gives the tree's root, the same as the contract's. */
export function treeRoot(tree: MerkleTree): Hash {
  let node: Uint8Array = nodeAt(zeroHashes, 0)
  let position = tree.count
  for (let level = 0; level < TREE_DEPTH; level++) {
    node =
      position % 2 === 1
        ? hashPair(nodeAt(tree.frontier, level), node)
        : hashPair(node, nodeAt(zeroHashes, level))
    position = Math.floor(position / 2)
  }
  return bytesToHex(node)
}

/**
 * Proves a leaf against the root of the tree that holds exactly `leaves`.
 *
 * @throws InvariantError when there is no leaf at `index`.
 */
export function proveLeaf(leaves: readonly Hash[], index: number): MerkleProof {
  const leaf = leaves[index]
  assert(leaf !== undefined, 'the proven leaf is in the tree')
  const path: Hash[] = []
  let level = leaves.map((one) => hexToBytes(one) as Uint8Array)
  let position = index
  for (let depth = 0; depth < TREE_DEPTH; depth++) {
    const empty = nodeAt(zeroHashes, depth)
    path.push(bytesToHex(level[position ^ 1] ?? empty))
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      above.push(hashPair(nodeAt(level, i), level[i + 1] ?? empty))
    }
    level = above
    position = Math.floor(position / 2)
  }
  return { leaf, index, path, root: bytesToHex(nodeAt(level, 0)) }
}

/** Gives the path of the leaf that would be appended next: to its left what is there, to its right nothing. */
export function pathOfNext(tree: MerkleTree): readonly Hash[] {
  return Array.from({ length: TREE_DEPTH }, (_, level) => {
    const left = Math.floor(tree.count / 2 ** level) % 2 === 1
    return bytesToHex(nodeAt(left ? tree.frontier : zeroHashes, level))
  })
}

/** Copies a tree; the copy and the original go their own ways. */
export function copyTree({ frontier, count }: MerkleTree): MerkleTree {
  return { frontier: [...frontier], count }
}

/** Computes the root that a leaf and its path lead to. */
export function rootOfProof(leaf: Hash, index: number, path: readonly Hash[]): Hash {
  let node: Uint8Array = hexToBytes(leaf)
  let position = index
  for (const sibling of path) {
    const other = hexToBytes(sibling)
    node = position % 2 === 1 ? hashPair(other, node) : hashPair(node, other)
    position = Math.floor(position / 2)
  }
  return bytesToHex(node)
}

function emptySubtrees(): Uint8Array[] {
  const hashes: Uint8Array[] = [new Uint8Array(32)]
  for (let level = 1; level <= TREE_DEPTH; level++) {
    hashes.push(hashPair(nodeAt(hashes, level - 1), nodeAt(hashes, level - 1)))
  }
  return hashes
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const pair = new Uint8Array(64)
  pair.set(left, 0)
  pair.set(right, 32)
  return keccak256Bytes(pair)
}

function nodeAt(nodes: readonly Uint8Array[], index: number): Uint8Array {
  const node = nodes[index]
  assert(node !== undefined, 'the tree has a node at each level')
  return node
}
