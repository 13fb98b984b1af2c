import { assert } from './assert.ts'
import type { Hash, Hex } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { hashWords } from './words.ts'

/**
 * A sparse Merkle tree over 256-bit keys: a leaf stands where it is alone under the bits of its key,
 * so that the tree is as deep as its keys need, and its shape depends on its leaves alone. It is never
 * changed in place: an older tree stays as it was. Undefined is the tree without leaves.
 */
export type SparseTree = SparseLeaf | SparseBranch | undefined

/** One key with its value. */
export type SparseLeaf = { hash: Hash; key: Hash; value: Hex }

type SparseBranch = { hash: Hash; left: SparseTree; right: SparseTree }

type Change = { key: Hash; value: Hex | undefined }

/** That a tree has a value at a key, or none. */
export type SparseProof = {
  /** Bits of the key under which the search ended. */
  depth: number
  /** 256 bits: bit i, the highest first, says that the sibling i bits below the root is not empty. */
  bitmap: Hash
  /** Siblings that are not empty, from the root down. */
  siblings: readonly Hash[]
  /** For a key without a value: the leaf that stands where the search ended, if any does. */
  other?: { key: Hash; valueHash: Hash } | undefined
}

const KEY_BITS = 256
const wordPattern = /^0x[0-9a-f]{64}$/

/** Root of a tree; zero for the tree without leaves. */
export function sparseRoot(tree: SparseTree): Hash {
  return tree?.hash ?? EMPTY_ROOT
}

/** Value at a key; undefined when there is none. */
export function sparseValue(tree: SparseTree, key: Hash): Hex | undefined {
  const { end } = descend(tree, key)
  return end?.key === key ? end.value : undefined
}

/**
 * Gives the tree with some values changed; undefined takes a key out. Only what lies between a changed
 * leaf and the root is hashed again.
 */
export function updateSparse(
  tree: SparseTree,
  changes: ReadonlyMap<Hash, Hex | undefined>,
): SparseTree {
  const list = [...changes].map(([key, value]) => ({ key, value }))
  return put(tree, list, 0)
}

/** Proves a key's value, or that it has none. */
export function proveSparse(tree: SparseTree, key: Hash): SparseProof {
  const { end, path } = descend(tree, key)
  let bitmap = 0n
  const siblings: Hash[] = []
  for (const [i, sibling] of path.entries()) {
    if (sibling === undefined) continue
    bitmap |= 1n << BigInt(KEY_BITS - 1 - i)
    siblings.push(sibling.hash)
  }
  const other =
    end === undefined || end.key === key
      ? undefined
      : { key: end.key, valueHash: keccak256(end.value) }
  return {
    depth: path.length,
    bitmap: `0x${bitmap.toString(16).padStart(64, '0')}`,
    siblings,
    ...(other === undefined ? {} : { other }),
  }
}

/**
 * Says whether a proof shows that the tree with a root has a value at a key, or, with an undefined
 * value, none.
 */
export function verifySparse(
  root: Hash,
  { key, value }: { key: Hash; value: Hex | undefined },
  { depth, bitmap, siblings, other }: SparseProof,
): boolean {
  if (!Number.isInteger(depth) || depth < 0 || depth > KEY_BITS) return false
  const words = [bitmap, ...siblings, ...(other === undefined ? [] : [other.key, other.valueHash])]
  if (siblings.length > depth || !words.every((text) => wordPattern.test(text))) return false
  let hash: Hash = EMPTY_ROOT
  if (value !== undefined) {
    if (other !== undefined) return false
    hash = leafHash(key, keccak256(value))
  } else if (other !== undefined) {
    if (other.key === key || !sharesBits(key, other.key, depth)) return false
    hash = leafHash(other.key, other.valueHash)
  }
  let left = siblings.length
  for (let i = KEY_BITS - 1; i >= 0; i--) {
    const present = bitAt(bitmap, i) === 1
    if (i >= depth) {
      if (present) return false
      continue
    }
    if (present) left -= 1
    const sibling = present ? siblings[left] : EMPTY_ROOT
    if (sibling === undefined) return false
    hash = bitAt(key, i) === 0 ? branchHash(hash, sibling) : branchHash(sibling, hash)
  }
  return left === 0 && hash === root
}

function descend(tree: SparseTree, key: Hash): { end: SparseLeaf | undefined; path: SparseTree[] } {
  const path: SparseTree[] = []
  let node = tree
  while (node !== undefined && !('key' in node)) {
    const right: boolean = bitAt(key, path.length) === 1
    path.push(right ? node.left : node.right)
    node = right ? node.right : node.left
  }
  return { end: node, path }
}

function put(node: SparseTree, changes: readonly Change[], depth: number): SparseTree {
  if (changes.length === 0) return node
  if (node === undefined || 'key' in node) {
    const stays = node !== undefined && !changes.some(({ key }) => key === node.key)
    const all = stays ? [...changes, node] : changes
    return build(
      all.filter(({ value }) => value !== undefined),
      depth,
    )
  }
  const [left, right] = split(changes, depth)
  return join(put(node.left, left, depth + 1), put(node.right, right, depth + 1), node)
}

function build(leaves: readonly Change[], depth: number): SparseTree {
  const [first] = leaves
  if (first === undefined) return undefined
  if (leaves.length === 1) return leafOf(first.key, first.value as Hex)
  assert(depth < KEY_BITS, 'keys of a tree differ')
  const [left, right] = split(leaves, depth)
  return join(build(left, depth + 1), build(right, depth + 1), undefined)
}

function split(changes: readonly Change[], depth: number): [Change[], Change[]] {
  const sides: [Change[], Change[]] = [[], []]
  for (const change of changes) sides[bitAt(change.key, depth)].push(change)
  return sides
}

function join(left: SparseTree, right: SparseTree, before: SparseBranch | undefined): SparseTree {
  if (before !== undefined && left === before.left && right === before.right) return before
  if (left === undefined && (right === undefined || 'key' in right)) return right
  if (right === undefined && left !== undefined && 'key' in left) return left
  return { hash: branchHash(sparseRoot(left), sparseRoot(right)), left, right }
}

function leafOf(key: Hash, value: Hex): SparseLeaf {
  return { hash: leafHash(key, keccak256(value)), key, value }
}

function leafHash(key: Hash, valueHash: Hash): Hash {
  return hashWords(['0x00', key, valueHash])
}

function branchHash(left: Hash, right: Hash): Hash {
  return hashWords(['0x01', left, right])
}

function bitAt(key: Hash, place: number): 0 | 1 {
  const digit = Number.parseInt(key.charAt(2 + (place >> 2)), 16)
  return ((digit >> (3 - (place & 3))) & 1) as 0 | 1
}

function sharesBits(a: Hash, b: Hash, count: number): boolean {
  for (let i = 0; i < count; i++) if (bitAt(a, i) !== bitAt(b, i)) return false
  return true
}
