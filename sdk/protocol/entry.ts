import { keccak256, stringToHex, toRlp } from 'viem/utils'
import type { Hash, Hex } from './hex.ts'
import { assert } from './assert.ts'

/** Kinds of entry in the log. */
export const ENTRY_KIND = { transaction: 1, bundle: 2, system: 4 } as const

/** One of {@link ENTRY_KIND}. */
export type EntryKind = (typeof ENTRY_KIND)[keyof typeof ENTRY_KIND]

/** Lanes in the order in which a slot executes them. */
export const LANE = { system: 0, regular: 3 } as const

/** One of {@link LANE}. */
export type Lane = (typeof LANE)[keyof typeof LANE]

/** Lanes that a slot header counts. */
export const LANES = 5

/** When a bundle may stand and how it is named: what its id binds besides its legs. */
export type BundleTerms = {
  minSlot?: bigint | undefined
  maxSlot?: bigint | undefined
  minTimestamp?: number | undefined
  maxTimestamp?: number | undefined
  replacementUuid?: string | undefined
  salt?: Hash | undefined
}

/** One leg as an id binds it. */
export type NamedLeg = { chainId: number; hash: Hash; canRevert: boolean }

const ENTRY_VERSION = 1

/** Id of a transaction that stands alone: bound to the network, so it replays nowhere else. */
export function transactionEntryId(logId: Hash, leg: { chainId: number; hash: Hash }): Hash {
  return entryId(ENTRY_KIND.transaction, logId, [uint(leg.chainId), leg.hash])
}

/**
 * Id of a bundle, which is also its bundle hash: keccak256 of the RLP of version, kind, log id, legs
 * in order and terms. An absent term counts as 0 or empty.
 */
export function bundleEntryId(logId: Hash, legs: readonly NamedLeg[], terms: BundleTerms): Hash {
  return entryId(ENTRY_KIND.bundle, logId, [
    legs.map(({ chainId, hash, canRevert }) => [uint(chainId), hash, uint(canRevert ? 1 : 0)]),
    termFields(terms),
  ])
}

/** Id of marks of one underlying. */
export function marksEntryId(logId: Hash, marks: { underlying: number; sequence: bigint }): Hash {
  return entryId(ENTRY_KIND.system, logId, [uint(1), uint(marks.underlying), uint(marks.sequence)])
}

/** A bundle's terms as RLP fields, in the order that ids and records use. */
export function termFields(terms: BundleTerms): Hex[] {
  return [
    uint(terms.minSlot ?? 0n),
    uint(terms.maxSlot ?? 0n),
    uint(terms.minTimestamp ?? 0),
    uint(terms.maxTimestamp ?? 0),
    stringToHex(terms.replacementUuid ?? ''),
    terms.salt ?? '0x',
  ]
}

/** An unsigned integer as RLP has it: big endian without leading zeros, 0 is empty. */
export function uint(value: bigint | number): Hex {
  assert(BigInt(value) >= 0n, 'RLP integers are non-negative')
  if (BigInt(value) === 0n) return '0x'
  const digits = value.toString(16)
  return digits.length % 2 === 0 ? `0x${digits}` : `0x0${digits}`
}

type Fields = Hex | readonly Fields[]

function entryId(kind: EntryKind, logId: Hash, content: readonly Fields[]): Hash {
  return keccak256(toRlp([uint(ENTRY_VERSION), uint(kind), logId, [...content]] as Rlp))
}

type Rlp = Parameters<typeof toRlp>[0] & readonly unknown[]
