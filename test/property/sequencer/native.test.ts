import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import {
  decodeNativeProof,
  encodeNative,
  nativeKey,
  nativeValues,
  verifyNativeProof,
  type WireNativeProof,
} from '../../../sdk/protocol/native.ts'
import {
  proveSparse,
  sparseRoot,
  sparseValue,
  updateSparse,
  verifySparse,
  type SparseTree,
} from '../../../sdk/protocol/sparse-merkle.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'

// Goal: one set of leaves has one root, whatever its history; what is in it and what is not can be
// proved, and nothing else can.

/** Keys that share long prefixes beside keys that share none. */
const key = fc.oneof(
  fc.nat(40).map((n): Hash => keccak256(`0x${n.toString(16).padStart(2, '0')}`)),
  fc.nat(15).map((n): Hash => `0x${'ab'.repeat(31)}${n.toString(16).padStart(2, '0')}`),
)
const value = fc
  .integer({ min: 1, max: 255 })
  .map((n): Hex => `0x${n.toString(16).padStart(64, '0')}`)
const changes = fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { maxLength: 24 })

function treeOf(leaves: ReadonlyMap<Hash, Hex | undefined>): SparseTree {
  return updateSparse(undefined, leaves)
}

/** The root as the definition has it: leaves sorted by key, split bit by bit. */
function naiveRoot(leaves: readonly (readonly [Hash, Hex])[], depth = 0): Hash {
  const zero: Hash = `0x${'0'.repeat(64)}`
  const [first] = leaves
  if (first === undefined) return zero
  if (leaves.length === 1) {
    return keccak256(`0x00${first[0].slice(2)}${keccak256(first[1]).slice(2)}`)
  }
  const bit = (text: Hash) => (BigInt(text) >> BigInt(255 - depth)) & 1n
  const sides = [0n, 1n].map((side) =>
    naiveRoot(
      leaves.filter(([k]) => bit(k) === side),
      depth + 1,
    ),
  )
  return keccak256(`0x01${sides.map((side) => side.slice(2)).join('')}`)
}

describe('a sparse Merkle tree', () => {
  test('has the root that its leaves define, in whatever order and steps they came', () => {
    const property = fc.property(fc.array(changes, { maxLength: 5 }), (batches) => {
      const leaves = new Map<Hash, Hex>()
      let tree: SparseTree
      for (const batch of batches) {
        tree = updateSparse(tree, new Map(batch))
        for (const [k, v] of new Map(batch)) {
          if (v === undefined) leaves.delete(k)
          else leaves.set(k, v)
        }
      }
      expect(sparseRoot(tree)).toBe(naiveRoot([...leaves]))
      expect(sparseRoot(treeOf(new Map([...leaves].toReversed())))).toBe(sparseRoot(tree))
      for (const [k, v] of leaves) expect(sparseValue(tree, k)).toBe(v)
    })
    fc.assert(property)
  })

  test('proves what is in it and what is not', () => {
    const property = fc.property(changes, key, (batch, asked) => {
      const tree = treeOf(new Map(batch))
      const found = sparseValue(tree, asked)
      const proof = proveSparse(tree, asked)
      const root = sparseRoot(tree)
      expect(verifySparse(root, { key: asked, value: found }, proof)).toBe(true)
      const other = found === undefined ? `0x${'01'.repeat(32)}` : undefined
      expect(verifySparse(root, { key: asked, value: other as Hex }, proof)).toBe(false)
    })
    fc.assert(property)
  })

  test('proves nothing with a proof that was tampered with', () => {
    const tamper = fc.nat(5)
    const property = fc.property(changes, key, tamper, fc.nat(255), (batch, asked, how, place) => {
      const tree = treeOf(new Map(batch))
      const leaf = { key: asked, value: sparseValue(tree, asked) }
      const proof = proveSparse(tree, asked)
      const flip = (text: Hash): Hash =>
        `0x${(BigInt(text) ^ (1n << BigInt(place))).toString(16).padStart(64, '0')}`
      const { siblings } = proof
      const changed = [
        { ...proof, bitmap: flip(proof.bitmap) },
        { ...proof, depth: proof.depth + 1 + place },
        { ...proof, siblings: [...siblings, flip(asked)] },
        { ...proof, siblings: siblings.slice(1) },
        { ...proof, siblings: siblings.map(flip) },
        { ...proof, other: { key: asked, valueHash: flip(asked) } },
      ][how]!
      fc.pre(JSON.stringify(changed) !== JSON.stringify(proof))
      expect(verifySparse(sparseRoot(tree), leaf, changed)).toBe(false)
    })
    fc.assert(property)
  })

  test('keeps what it was when a later one is made of it', () => {
    const property = fc.property(changes, changes, (first, second) => {
      const tree = treeOf(new Map(first))
      const root = sparseRoot(tree)
      updateSparse(tree, new Map(second))
      expect(sparseRoot(treeOf(new Map(first)))).toBe(root)
      expect(sparseRoot(updateSparse(tree, new Map()))).toBe(root)
    })
    fc.assert(property)
  })
})

describe('the published vectors', () => {
  const file = new URL('../../fixtures/native/vectors.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
    root: Hash
    keys: Hash[]
    proofs: WireNativeProof[]
  }
  const proofs = vectors.proofs.map(decodeNativeProof)

  test('have the root that their leaves define, and keys by their names', () => {
    const leaves = proofs.flatMap(({ id, values }) => {
      const encoded = encodeNative(values)
      return encoded === undefined ? [] : [[nativeKey(id), encoded] as const]
    })
    expect(naiveRoot(leaves)).toBe(vectors.root)
    expect(proofs.map(({ id }) => nativeKey(id))).toEqual(vectors.keys)
    const tree = treeOf(new Map(leaves))
    expect(proofs.map(({ id }) => proveSparse(tree, nativeKey(id)))).toEqual(
      proofs.map(({ proof }) => proof),
    )
  })

  test('hold as they are and in no other way', () => {
    for (const proof of proofs) {
      expect(verifyNativeProof(proof)).toBe(true)
      const [first = 0n, ...rest] = proof.values
      expect(verifyNativeProof({ ...proof, values: [first + 1n, ...rest] })).toBe(false)
      expect(verifyNativeProof({ ...proof, root: vectors.keys[0]! })).toBe(false)
      // That nothing stands under some bits is so for every key that begins with them.
      if (encodeNative(proof.values) === undefined) continue
      expect(verifyNativeProof({ ...proof, id: { ...proof.id, id: 99n } })).toBe(false)
    }
  })
})

describe('a leaf of the native state', () => {
  const account = `0x${'11'.repeat(32)}` as AccountId
  const int256 = fc.bigInt({ min: -(1n << 255n), max: (1n << 255n) - 1n })

  test('keeps signed integers, and is gone when all are zero', () => {
    const property = fc.property(int256, int256, int256, (credit18, used18, expiryS) => {
      const id = { kind: 'lease', account, id: 902n } as const
      const tree = treeOf(new Map([[nativeKey(id), encodeNative([credit18, used18, expiryS])]]))
      expect(nativeValues(tree, id)).toEqual([credit18, used18, expiryS])
    })
    fc.assert(property)
    expect(encodeNative([0n, 0n])).toBeUndefined()
  })

  test('has a key of its own by kind, account and id', () => {
    const ids = [
      { kind: 'claim', account, id: 1n },
      { kind: 'liquidity', account, id: 1n },
      { kind: 'claim', account, id: 2n },
      { kind: 'claim', account: `0x${'12'.repeat(32)}` as AccountId, id: 1n },
      { kind: 'pool', id: 1n },
      { kind: 'marks', id: 1n },
    ] as const
    expect(new Set(ids.map(nativeKey)).size).toBe(ids.length)
  })
})
