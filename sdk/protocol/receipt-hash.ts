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
import { addressWord, doubleHash, hashWords, type Word } from './words.ts'

/** A log as a receipt commits to it. */
export type HashedLog = { address: Address; topics: readonly Hash[]; data: Hex }

const voidedParameters = [{ type: 'string' }, { type: 'uint32' }, { type: 'bytes32' }] as const
const noLogsHash = hashWords([32, 0])

/** keccak256 of `abi.encode((address, bytes32[], bytes)[])` over a leg's logs in order. */
export function logsHash(logs: readonly HashedLog[]): Hash {
  if (logs.length === 0) return noLogsHash
  const offsets: Word[] = []
  const rows: Word[] = []
  let offset = 32 * logs.length
  for (const { address, topics, data } of logs) {
    offsets.push(offset)
    const bytes = (data.length - 2) / 2
    const padding = (32 - (bytes % 32)) % 32
    // `abi.encode(address, bytes32[], bytes)` without the offset before it.
    rows.push(addressWord(address), 96, 128 + 32 * topics.length)
    rows.push(topics.length, ...topics)
    rows.push(bytes, data, `0x${'00'.repeat(padding)}`)
    offset += 160 + 32 * topics.length + bytes + padding
  }
  return hashWords([32, logs.length, ...offsets, ...rows])
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
    index,
    result.chainId,
    result.transactionHash,
    result.status,
    result.gasUsed,
    result.logsHash,
    result.blockNumber,
  ])
}

/** Leaf of one preconfirmation in its slot's receipt tree. */
export function preconfirmationLeaf(promise: Preconfirmation): Hash {
  return doubleHash([
    promise.slot,
    promise.view,
    promise.index,
    promise.entryId,
    promise.resultRoot,
    promise.deadlineSlot,
    promise.issuedAtMs,
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
