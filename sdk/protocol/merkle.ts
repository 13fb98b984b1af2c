import { keccak256 } from './keccak.ts'
import { assert } from './assert.ts'
import type { Hash } from './hex.ts'

/** Root of a tree without leaves. */
export const EMPTY_ROOT: Hash = `0x${'0'.repeat(64)}`

/**
 * Root of a binary tree over leaves. A pair is hashed in ascending order, so that a branch carries no
 * directions and Solidity's usual proof check accepts it; a last odd node moves up as it is. Leaves
 * must be hashes of hashes, so that no inner node passes for a leaf.
 *
 * @returns {@link EMPTY_ROOT} when there is no leaf.
 */
export function merkleRoot(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return EMPTY_ROOT
  let level = leaves
  while (level.length > 1) level = parents(level)
  return level[0] as Hash
}

/** A tree that gives its root and every leaf's branch without hashing again. */
export type MerkleTree = {
  root: Hash
  /** Siblings from the leaf at an index up to the root, lowest first. */
  branch: (index: number) => Hash[]
}

/** Makes the tree of {@link merkleRoot} over leaves. */
export function merkleTree(leaves: readonly Hash[]): MerkleTree {
  const levels: (readonly Hash[])[] = [leaves]
  for (let level = leaves; level.length > 1; levels.push(level)) level = parents(level)
  const branch = (index: number): Hash[] => {
    assert(index >= 0 && index < leaves.length, 'a branch begins at a leaf')
    return levels.flatMap((level, height) => level[(index >> height) ^ 1] ?? [])
  }
  return { root: levels.at(-1)?.[0] ?? EMPTY_ROOT, branch }
}

/** Root that a leaf and its branch lead to. */
export function rootFromBranch(leaf: Hash, branch: readonly Hash[]): Hash {
  return branch.reduce(pairHash, leaf)
}

function parents(level: readonly Hash[]): Hash[] {
  const above: Hash[] = []
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] as Hash
    const right = level[i + 1]
    above.push(right === undefined ? left : pairHash(left, right))
  }
  return above
}

function pairHash(a: Hash, b: Hash): Hash {
  const [low, high] = a < b ? [a, b] : [b, a]
  return keccak256(`0x${low.slice(2)}${high.slice(2)}`)
}
