import fc from 'fast-check'
import { concatHex, keccak256 } from 'viem'
import { expect, test } from 'vitest'
import { runs } from '../risk/runs.ts'
import {
  emptyTree,
  insertLeaf,
  pathOfNext,
  proveLeaf,
  rootOfProof,
  TREE_DEPTH,
  treeRoot,
} from '../../../relayer/core/merkle-tree.ts'

type Hash = `0x${string}`

const leaf = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as Hash)
const leaves = fc.array(leaf, { maxLength: 40 })

/** The obvious tree: every node of every level. */
function naiveRoot(nodes: readonly Hash[]): Hash {
  let level = [...nodes]
  let empty: Hash = `0x${'00'.repeat(32)}`
  for (let depth = 0; depth < TREE_DEPTH; depth++) {
    const above: Hash[] = []
    for (let i = 0; i < level.length; i += 2)
      above.push(keccak256(concatHex([level[i]!, level[i + 1] ?? empty])))
    empty = keccak256(concatHex([empty, empty]))
    level = above
  }
  return level[0] ?? empty
}

function grown(nodes: readonly Hash[]) {
  const tree = emptyTree()
  for (const node of nodes) insertLeaf(tree, node)
  return tree
}

test('the incremental tree ≡ the obvious tree', () => {
  const property = fc.property(leaves, (nodes) => {
    expect(treeRoot(grown(nodes))).toBe(naiveRoot(nodes))
  })
  fc.assert(property, runs(100))
})

test('each leaf proves itself against the root, and no other leaf does', () => {
  const some = fc.array(leaf, { minLength: 1, maxLength: 40 })
  const property = fc.property(some, fc.nat(), (nodes, pick) => {
    const index = pick % nodes.length
    const proof = proveLeaf(nodes, index)
    expect(proof.root).toBe(naiveRoot(nodes))
    expect(rootOfProof(proof.leaf, index, proof.path)).toBe(proof.root)
    expect(rootOfProof(keccak256(proof.leaf), index, proof.path)).not.toBe(proof.root)
  })
  fc.assert(property, runs(100))
})

test('the path of the next leaf ≡ the path of the newest leaf of the obvious tree', () => {
  const some = fc.array(leaf, { minLength: 1, maxLength: 40 })
  const property = fc.property(some, (nodes) => {
    const index = nodes.length - 1
    expect(pathOfNext(grown(nodes.slice(0, index)))).toEqual(proveLeaf(nodes, index).path)
  })
  fc.assert(property, runs(100))
})
