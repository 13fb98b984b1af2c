import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import { keccak256, keccak256Bytes } from '../../../sdk/protocol/keccak.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { encodeFields, uint } from '../../../sdk/protocol/rlp.ts'
import type { ExpectedOutcome } from '../../core/entries/execution.ts'
import type { SignedLeg } from '../../core/entries/leg.ts'
import { logsBloom } from '../history/bloom.ts'
import { encodeRlp, uintRlp, type RlpItem } from './rlp.ts'

/**
 * The receipts root of a block whose legs do what was promised: it binds the status, the gas used and
 * the logs of every leg.
 */
export function receiptsRootOf(plan: {
  legs: readonly SignedLeg[]
  /** One per leg. */
  expected: readonly ExpectedOutcome[]
}): Hash {
  let cumulativeGas = 0n
  const receipts = plan.expected.map((outcome, i) => {
    cumulativeGas += outcome.gasUsed
    return receiptBytes(outcome, cumulativeGas, plan.legs[i]?.rawTx ?? '0x')
  })
  return orderedRoot(receipts)
}

/** A receipt as the root binds it (EIP-658, EIP-2718). */
function receiptBytes(
  { status, logs }: ExpectedOutcome,
  cumulativeGas: bigint,
  rawTx: Hex,
): Uint8Array {
  const body = encodeFields([
    uint(status),
    uint(cumulativeGas),
    bloomOf(logs),
    logs.map(({ address, topics, data }) => [address, topics, data]),
  ])
  // A list's first byte is 0xc0 or above; what is below names the type of a later kind.
  const type = Number.parseInt(rawTx.slice(2, 4), 16)
  return type < 0xc0 ? concatBytes([Uint8Array.of(type), body]) : body
}

/** Blooms of what logs alike: the same accounts do the same again and again. */
const blooms = new Map<string, Hex>()
const bloomsKept = 4_096

function bloomOf(logs: ExpectedOutcome['logs']): Hex {
  const key = logs.map(({ address, topics }) => address + topics.join('')).join()
  const known = blooms.get(key)
  if (known !== undefined) return known
  if (blooms.size >= bloomsKept) blooms.clear()
  const bloom = logsBloom(logs)
  blooms.set(key, bloom)
  return bloom
}

type Item = { nibbles: Uint8Array; value: Uint8Array }

const emptyRoot = keccak256(encodeRlp(new Uint8Array(0)))
const noBytes = new Uint8Array(0)
const hashBytes = 32

/** Root of the Merkle Patricia trie over values whose keys are their places as RLP. */
export function orderedRoot(values: readonly Uint8Array[]): Hash {
  if (values.length === 0) return emptyRoot
  const items = values.map((value, i): Item => ({
    nibbles: nibblesOf(encodeRlp(uintRlp(i))),
    value,
  }))
  items.sort((a, b) => Buffer.compare(a.nibbles, b.nibbles))
  return keccak256(encodeRlp(nodeOf(items, 0)))
}

/** The node over items that share their first `depth` nibbles, in order of their nibbles. */
function nodeOf(items: readonly Item[], depth: number): RlpItem {
  const first = items[0] as Item
  if (items.length === 1) return [packed(first.nibbles.subarray(depth), true), first.value]
  const shared = sharedDepth(first, items.at(-1) as Item, depth)
  if (shared > depth) {
    return [packed(first.nibbles.subarray(depth, shared), false), reference(nodeOf(items, shared))]
  }
  const branch: RlpItem[] = []
  let from = 0
  for (let nibble = 0; nibble < 16; nibble++) {
    let to = from
    while (items[to]?.nibbles[depth] === nibble) to += 1
    branch.push(from === to ? noBytes : reference(nodeOf(items.slice(from, to), depth + 1)))
    from = to
  }
  // No place's RLP begins with that of another: nothing ends in a branch.
  return [...branch, noBytes]
}

function sharedDepth(first: Item, last: Item, from: number): number {
  let depth = from
  while (first.nibbles[depth] === last.nibbles[depth]) depth += 1
  return depth
}

/** What a node is named by: itself when it is short, else its hash. */
function reference(node: RlpItem): RlpItem {
  const bytes = encodeRlp(node)
  return bytes.length < hashBytes ? node : keccak256Bytes(bytes)
}

/** Nibbles with their parity and kind of node in front. */
function packed(nibbles: Uint8Array, isLeaf: boolean): Uint8Array {
  const odd = nibbles.length % 2
  const bytes = new Uint8Array(1 + (nibbles.length >> 1))
  bytes[0] = ((isLeaf ? 2 : 0) + odd) << 4
  if (odd === 1) bytes[0] |= nibbles[0] as number
  for (let i = odd, at = 1; i < nibbles.length; i += 2, at++) {
    bytes[at] = ((nibbles[i] as number) << 4) | (nibbles[i + 1] as number)
  }
  return bytes
}

function nibblesOf(bytes: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(bytes.length * 2)
  for (const [i, byte] of bytes.entries()) {
    nibbles[i * 2] = byte >> 4
    nibbles[i * 2 + 1] = byte & 0x0f
  }
  return nibbles
}
