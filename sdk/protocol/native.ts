import type { Hash, Hex } from './hex.ts'
import type { AccountId } from './ids.ts'
import { sparseValue, verifySparse, type SparseProof, type SparseTree } from './sparse-merkle.ts'
import { hashWords, joinWords, word } from './words.ts'

/** Version of the leaves' keys and values: part of every key. */
export const NATIVE_VERSION = 1

/** Kinds of leaves by their number, and their integers in order. */
export const NATIVE_KINDS = {
  /** Claim of an account on an asset, × 10^18; signed in the asset that cash is kept in. `id`: asset. */
  claim: { number: 1, fields: ['claim18'], ofAccount: true },
  /** Claim of a liquidity provider. `id`: asset. */
  liquidity: { number: 2, fields: ['liquidity18'], ofAccount: true },
  /** Insurance and fees of the pool. `id`: asset. */
  pool: { number: 3, fields: ['insurance18', 'fees18'], ofAccount: false },
  /** Size of a position, × 10^18, signed. `id`: instrument. */
  position: { number: 4, fields: ['size18'], ofAccount: true },
  /** Credit leased to a spoke, how much of it is used, and when the lease ends. `id`: chain. */
  lease: { number: 5, fields: ['credit18', 'used18', 'expiryS'], ofAccount: true },
  /** State of an account in the books: healthy 0. `id`: 0. */
  account: { number: 6, fields: ['state'], ofAccount: true },
  /** Last sequence of marks in the log. `id`: underlying. */
  marks: { number: 7, fields: ['sequence'], ofAccount: false },
} as const satisfies Record<
  string,
  { number: number; fields: readonly string[]; ofAccount: boolean }
>

/** Kind of a leaf of the native state. */
export type NativeKind = keyof typeof NATIVE_KINDS

/** Names a leaf of the native state. */
export type NativeId = {
  kind: NativeKind
  /** Present for the kinds that are of an account. */
  account?: AccountId | undefined
  /** uint256: asset, instrument, chain or underlying, by kind. */
  id: bigint
}

/** A leaf that is shown to be in a slot's native state, or not to be there: then it is all zeros. */
export type NativeProof = {
  id: NativeId
  /** Slot after which it holds. */
  slot: number
  /** `nativeRoot` of that slot's header. */
  root: Hash
  /** The leaf's integers in the order of its kind. */
  values: readonly bigint[]
  proof: SparseProof
}

const noAccount: Hash = `0x${'0'.repeat(64)}`

/** Key of a leaf: keccak256 of version, kind, account and id, a word each. */
export function nativeKey({ kind, account, id }: NativeId): Hash {
  const { number } = NATIVE_KINDS[kind]
  return hashWords([word(NATIVE_VERSION), word(number), account ?? noAccount, word(id)])
}

/**
 * Value of a leaf: its integers as words in two's complement.
 *
 * @returns Undefined when all are zero: such a leaf is not in the tree.
 */
export function encodeNative(values: readonly bigint[]): Hex | undefined {
  if (values.every((value) => value === 0n)) return undefined
  return joinWords(values.map((value) => word(BigInt.asUintN(256, value))))
}

/** Integers of the leaf with a name; zeros when it is not in the tree. */
export function nativeValues(tree: SparseTree, id: NativeId): bigint[] {
  return decodeNative(id.kind, sparseValue(tree, nativeKey(id)))
}

function decodeNative(kind: NativeKind, value: Hex | undefined): bigint[] {
  return NATIVE_KINDS[kind].fields.map((_, i) => {
    const text = value?.slice(2 + 64 * i, 66 + 64 * i)
    return text === undefined ? 0n : BigInt.asIntN(256, BigInt(`0x${text}`))
  })
}

/**
 * Says whether a proof holds against its own root. That the root is a slot's is another matter: the
 * slot's header has it, and the feed of slots and `l1` have the header.
 */
export function verifyNativeProof({ id, root, values, proof }: NativeProof): boolean {
  const { fields, ofAccount } = NATIVE_KINDS[id.kind]
  if (values.length !== fields.length || (id.account !== undefined) !== ofAccount) return false
  return verifySparse(root, { key: nativeKey(id), value: encodeNative(values) }, proof)
}

/** A {@link NativeProof} as JSON carries it: integers as decimal text. */
export type WireNativeProof = Omit<NativeProof, 'id' | 'values'> & {
  id: Omit<NativeId, 'id'> & { id: string }
  values: readonly string[]
}

/** Shows a proof as JSON. */
export function encodeNativeProof({ id, values, ...proof }: NativeProof): WireNativeProof {
  return { ...proof, id: { ...id, id: id.id.toString() }, values: values.map(String) }
}

/** Reads a proof from JSON. */
export function decodeNativeProof({ id, values, ...proof }: WireNativeProof): NativeProof {
  return { ...proof, id: { ...id, id: BigInt(id.id) }, values: values.map(BigInt) }
}
