import { encodeAbiParameters, hashTypedData, stringToHex } from 'viem/utils'
import { keccak256 } from './keccak.ts'
import { tandemDomain } from './feeds.ts'
import type { Address, Hash, Hex } from './hex.ts'
import { merkleRoot, rootFromBranch } from './merkle.ts'
import {
  refusalTypes,
  slotReceiptsTypes,
  type LegResult,
  type Preconfirmation,
  type SignedReceipt,
  type SignedRefusal,
} from './receipt.ts'
import type { Voided } from './entry.ts'
import type { ErrorValues } from './errors.ts'
import { addressWord, doubleHash, hashWords, joinWords, word } from './words.ts'

/** A log as a receipt commits to it. */
export type HashedLog = { address: Address; topics: readonly Hash[]; data: Hex }

const voidedParameters = [{ type: 'string' }, { type: 'uint32' }, { type: 'bytes32' }] as const
const noLogsHash = hashWords([word(32), word(0)])

/** keccak256 of `abi.encode((address, bytes32[], bytes)[])` over a leg's logs in order. */
export function logsHash(logs: readonly HashedLog[]): Hash {
  if (logs.length === 0) return noLogsHash
  const rows = logs.map(logWords)
  const offsets: Hex[] = []
  let offset = 32 * logs.length
  for (const row of rows) {
    offsets.push(word(offset))
    offset += (row.length - 2) / 2
  }
  return hashWords([word(32), word(logs.length), ...offsets, ...rows])
}

/** `abi.encode(address, bytes32[], bytes)` without the offset before it. */
function logWords({ address, topics, data }: HashedLog): Hex {
  const bytes = (data.length - 2) / 2
  const padding = '0'.repeat((64 - ((data.length - 2) % 64)) % 64)
  return joinWords([
    addressWord(address),
    word(96),
    word(128 + 32 * topics.length),
    word(topics.length),
    ...topics,
    word(bytes),
    `${data}${padding}`,
  ])
}

/** Merkle root over an entry's leg results; a leaf binds the leg's place in the entry. */
export function resultRoot(results: readonly LegResult[]): Hash {
  return merkleRoot(results.map(legResultLeaf))
}

/** What takes the place of results for an entry without effect. */
export function voidedRoot({ leg, reason }: Voided): Hash {
  return doubleHash([
    encodeAbiParameters(voidedParameters, ['voided', leg, keccak256(stringToHex(reason))]),
  ])
}

/** Leaf of one leg's result. */
export function legResultLeaf(result: LegResult, index: number): Hash {
  return doubleHash([
    word(index),
    word(result.chainId),
    result.transactionHash,
    word(result.status),
    word(result.gasUsed),
    result.logsHash,
    word(result.blockNumber),
  ])
}

/** Leaf of one preconfirmation in its slot's receipt tree. */
export function preconfirmationLeaf(promise: Preconfirmation): Hash {
  return doubleHash([
    word(promise.slot),
    word(promise.view),
    word(promise.index),
    promise.entryId,
    promise.resultRoot,
    word(promise.deadlineSlot),
    word(promise.issuedAtMs),
  ])
}

/** What the sequencer signs once per slot. */
export function slotReceiptsDigest(
  logId: Hash,
  receipts: { slot: bigint; view: bigint; receiptRoot: Hash },
): Hash {
  return hashTypedData({
    domain: tandemDomain(logId),
    types: slotReceiptsTypes,
    primaryType: 'SlotReceipts',
    message: receipts,
  })
}

/** What the sequencer signs when it refuses a request. */
export function refusalDigest(logId: Hash, refusal: Omit<SignedRefusal, 'signature'>): Hash {
  return hashTypedData({
    domain: tandemDomain(logId),
    types: refusalTypes,
    primaryType: 'Refusal',
    message: {
      requestHash: refusal.requestHash,
      error: refusal.error,
      valuesHash: valuesHash(refusal.values),
      slot: refusal.slot,
      issuedAtMs: BigInt(refusal.issuedAtMs),
    },
  })
}

/** keccak256 of an error's values as JSON with keys in ascending order and no spaces. */
export function valuesHash(values: ErrorValues): Hash {
  const sorted = Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return keccak256(stringToHex(JSON.stringify(sorted)))
}

/** A receipt proves nothing when one of these holds. */
export type ReceiptFault = 'results' | 'branch' | 'signer'

/**
 * Checks that a receipt's results lead to its root.
 *
 * @returns The first fault, or the digest that the network's sequencer must have signed.
 */
export function receiptDigest(
  receipt: SignedReceipt,
  logId: Hash,
): { fault: ReceiptFault } | { fault?: undefined; digest: Hash } {
  const { preconfirmation: promise, receiptRoot, results, voided } = receipt
  const root = voided === undefined ? resultRoot(results) : voidedRoot(voided)
  const whole = voided === undefined || results.length === 0
  if (root !== promise.resultRoot || !whole) return { fault: 'results' }
  if (rootFromBranch(preconfirmationLeaf(promise), receipt.branch) !== receiptRoot) {
    return { fault: 'branch' }
  }
  const { slot, view } = promise
  return { digest: slotReceiptsDigest(logId, { slot, view, receiptRoot }) }
}
