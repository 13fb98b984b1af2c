import { stringToHex } from 'viem/utils'
import { keccak256 } from './keccak.ts'
import type { BundleTerms, EntryKind, Lane, RiskVersion, Voided } from './entry.ts'
import { tandemDomain } from './feeds.ts'
import type { Address, Hash, Hex } from './hex.ts'
import { merkleRoot } from './merkle.ts'
import { addressWord, doubleHash, hashWords } from './words.ts'

/** What a slot commits to; its hash is the next slot's parent. */
export type SlotHeader = {
  version: 1
  /** Place in the log, from 0, without gaps. */
  height: number
  /** Term of the leader that made it. */
  view: number
  /** Address of the key that signs the slot's receipts. */
  leader: Address
  superblock: number
  /** Hash of the slot before; zero for slot 0. */
  parentHash: Hash
  /** Milliseconds since 1970, strictly increasing. */
  timestampMs: number
  /** Block of `l1` up to which this slot has seen it; it lags behind that chain's head and never goes back. */
  l1Origin: L1Origin
  /** Bundles of the inbox on `l1` that stand in the log up to and with this slot. */
  forcedCursor: number
  /** Root of the native state after this slot: claims, positions, credit and marks as a sparse Merkle tree. */
  nativeRoot: Hash
  /** Feed updates accepted in the log up to and with this slot. */
  marksSeq: bigint
  /** What margins rest on from this slot on. */
  risk: RiskVersion
  /** Entries by lane, lanes 0 to 4. */
  laneCounts: readonly number[]
  /** Merkle root over the ids of the entries in order. */
  entriesRoot: Hash
  /** Per touched chain, ascending: Merkle root over its legs in this slot with their results. */
  chainRoots: readonly { chainId: number; root: Hash }[]
  /** keccak256 of everything else in the record. */
  bodyHash: Hash
}

/** A block of `l1` by number and hash; block 0 before any was seen. */
export type L1Origin = { number: number; hash: Hash }

/** Why a leg is in a slot. */
export type LegOrigin =
  /** The system leg that opens the slot on its chain. */
  | { type: 'open' }
  /** Leg `leg` of entry `entry` of the slot. */
  | { type: 'entry'; entry: number; leg: number }
  /** Delivery of a message dispatched by that leg, or by a delivery that came from it. */
  | { type: 'delivery'; entry: number; leg: number }

/** One leg in the log with the result that was promised. */
export type RecordedLeg = {
  origin: LegOrigin
  /** keccak256 of `rawTx`. */
  hash: Hash
  rawTx: Hex
  status: 0 | 1
  gasUsed: bigint
  logs: readonly { address: Address; topics: readonly Hash[]; data: Hex }[]
  /** keccak256 of the return data. */
  outputHash: Hash
}

/** One entry of a slot; its legs stand in the lists of their chains. */
export type RecordedEntry = {
  kind: EntryKind
  entryId: Hash
  lane: Lane
  /** Order of arrival: inside a lane it grows, forced entries first. */
  sequence: number
  /** Last slot in which it might have stood. */
  deadlineSlot: number
  /** One per leg: true where the entry stands even if the leg reverts. */
  canRevert: readonly boolean[]
  terms: BundleTerms
  /** Sender of the first leg, for bundles with a replacementUuid: who may cancel it. */
  sender?: Address | undefined
  /** For marks: the underlying and its sequence. */
  marks?: { underlying: number; sequence: bigint } | undefined
  /** For a risk version: what margins rest on from here on. */
  risk?: RiskVersion | undefined
  /** For a forced entry: where it stands in the inbox. */
  forced?: RecordedForced | undefined
  /** Legs of a bundle that were left out: they are in no block. */
  skipped: readonly ({ leg: number } & UnusedLeg)[]
  /** Present when the entry has no effect: none of its legs is in a block. */
  voided?: Voided | undefined
  /** Legs of a voided entry that users signed, in their order; the inbox holds those of a forced one. */
  withheld: readonly UnusedLeg[]
}

/** A signed leg that is in no block: kept so that whoever follows can see why. */
export type UnusedLeg = {
  chainId: number
  /** keccak256 of `rawTx`. */
  hash: Hash
  rawTx: Hex
}

/** Where a forced entry comes from. */
export type RecordedForced = {
  /** Place in the inbox, from 0, without gaps. */
  index: number
  /** What the inbox names it by. */
  contentHash: Hash
  /** Settlement block in which it was put there. */
  l1Block: number
}

/** A slot's legs on one chain, in execution order, and the environment of their block. */
export type RecordedChain = {
  chainId: number
  env: {
    number: number
    parentHash: Hash
    timestampS: number
    baseFeePerGas: bigint
    gasLimit: bigint
    coinbase: Address
  }
  legs: readonly RecordedLeg[]
}

/** What a slot says besides its entries, so that a restart knows it. */
export type SlotNotes = {
  /** Blocks that became final since the slot before: RLP headers, each after its predecessor. */
  sealed: readonly { chainId: number; header: Hex }[]
  /** Required legs of bundles seen since the slot before: they do not go alone until `untilSlot`. */
  seen: readonly { entryId: Hash; untilSlot: number; legHashes: readonly Hash[] }[]
  /** Bundles withdrawn since the slot before: they do not come back until `untilSlot`. */
  closed: readonly { entryId: Hash; untilSlot: number; by: Hash | 'sender' }[]
  /**
   * Chains that stopped: their block in the superblock before is withheld unless its header stands in
   * `sealed`, and nothing touches them until they are resumed. In the first slot of a superblock alone.
   */
  stopped: readonly { chainId: number; reason: string }[]
  /**
   * Chains that go on: the block that was withheld stands in this slot's superblock, and nothing else
   * of that chain. `slot` is the one that opened the block; 0 where none was withheld.
   */
  resumed: readonly { chainId: number; slot: number }[]
}

/** One height of the log. */
export type SlotRecord = {
  header: SlotHeader
  entries: readonly RecordedEntry[]
  chains: readonly RecordedChain[]
  notes: SlotNotes
}

/** Slot 0: which network this log belongs to. */
export type GenesisRecord = {
  version: 1
  logId: Hash
  leader: Address
  /** Ascending by chain id; `header` is the RLP header of each rollup's empty block 1. */
  chains: readonly { chainId: number; genesisHash: Hash; header: Hex }[]
}

const chainRootType = 'ChainRoot(uint64 chainId,bytes32 root)'
const slotHeaderType =
  'SlotHeader(uint16 version,uint64 height,uint64 view,address leader,uint64 superblock,' +
  'bytes32 parentHash,uint64 timestampMs,uint64 l1Number,bytes32 l1Hash,uint64 forcedCursor,' +
  'bytes32 nativeRoot,uint64 marksSeq,uint64 riskMarksSeq,uint32 paramsVersion,uint32[] laneCounts,' +
  `bytes32 entriesRoot,ChainRoot[] chainRoots,bytes32 bodyHash)${chainRootType}`
const domainType = 'EIP712Domain(string name,string version,bytes32 salt)'
const slotHeaderTypeHash = hashText(slotHeaderType)
const chainRootTypeHash = hashText(chainRootType)
const domainTypeHash = hashText(domainType)

/**
 * Hash of a slot: EIP-712 over its header under the network's domain. Written out word by word, since
 * it is taken for every slot of a replay.
 */
export function slotHash(logId: Hash, header: SlotHeader): Hash {
  const { name, version, salt } = tandemDomain(logId)
  const domain = hashWords([domainTypeHash, hashText(name), hashText(version), salt])
  const roots = header.chainRoots.map(({ chainId, root }) =>
    hashWords([chainRootTypeHash, chainId, root]),
  )
  const struct = hashWords([
    slotHeaderTypeHash,
    header.version,
    header.height,
    header.view,
    addressWord(header.leader),
    header.superblock,
    header.parentHash,
    header.timestampMs,
    header.l1Origin.number,
    header.l1Origin.hash,
    header.forcedCursor,
    header.nativeRoot,
    header.marksSeq,
    header.risk.marksSeq,
    header.risk.paramsVersion,
    hashWords(header.laneCounts),
    header.entriesRoot,
    hashWords(roots),
    header.bodyHash,
  ])
  return keccak256(`0x1901${domain.slice(2)}${struct.slice(2)}`)
}

function hashText(text: string): Hash {
  return keccak256(stringToHex(text))
}

/** Merkle root over a chain's legs in one slot: transaction hash, status, gas used, logs hash. */
export function chainRoot(
  legs: readonly { hash: Hash; status: 0 | 1; gasUsed: bigint; logsHash: Hash }[],
): Hash {
  return merkleRoot(
    legs.map(({ hash, status, gasUsed, logsHash }) =>
      doubleHash([hash, status, gasUsed, logsHash]),
    ),
  )
}
