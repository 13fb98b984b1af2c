import { stringToHex } from 'viem/utils'
import { keccak256 } from './keccak.ts'
import {
  bundleConditionFields,
  legConditionFields,
  type ChainCondition,
  type LegCondition,
} from './condition.ts'
import type { Hash } from './hex.ts'
import type { AccountId } from './ids.ts'
import { encodeFields, uint, type Fields } from './rlp.ts'

/** Kinds of entry in the log. `forced` comes from the inbox on the settlement chain. */
export const ENTRY_KIND = { transaction: 1, bundle: 2, forced: 3, system: 4 } as const

/** One of {@link ENTRY_KIND}. */
export type EntryKind = (typeof ENTRY_KIND)[keyof typeof ENTRY_KIND]

/**
 * Lanes in the order in which a slot executes them: the system's own; liquidations and margin calls;
 * what lowers risk (cancels, top-ups, giving back); everything else; backruns.
 */
export const LANE = { system: 0, urgent: 1, reduce: 2, regular: 3, backrun: 4 } as const

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
  /** Number that the block with the first leg must have. */
  blockNumber?: number | undefined
  /** Runs after everything else of its slot. */
  backrun?: boolean | undefined
  /** One per leg; absent when no leg has any. */
  legTerms?: readonly LegTerms[] | undefined
  /** What must hold on a chain where the bundle's first leg on it stands. */
  conditional?: readonly ChainCondition[] | undefined
  /** Legs whose messages to sequenced rollups must all be delivered in the slot. */
  requireDelivery?: readonly number[] | undefined
  margin?: MarginPredicate | undefined
}

/** What holds for one leg besides whether it may revert. */
export type LegTerms = {
  /** The leg is left out when it would fail, when its nonce does not fit or `if` does not hold. */
  canSkip: boolean
  /** Earlier legs that must have succeeded; else the leg counts as failed. */
  after: readonly number[]
  /** What must hold on the leg's chain where it stands; else the leg counts as failed. */
  if?: LegCondition | undefined
}

/** The bundle stands only if the account's initial margin after it is at least this. */
export type MarginPredicate = {
  account: AccountId
  /** USD × 10^18, signed. */
  initialMin18: bigint
}

/** Why an entry that had to be in the log has no effect: it puts no transaction on any chain. */
export type Voided = {
  /** The leg that failed; 0 where it is the entry as a whole. */
  leg: number
  /** English, at most {@link VOID_REASON_BYTES} bytes. */
  reason: string
}

/** Bytes of a reason in a record, at most. */
export const VOID_REASON_BYTES = 256

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

/**
 * Id of a forced bundle: bound to its place in the inbox, so that a bundle that was put there twice is
 * two entries. `contentHash` is what the inbox names it by.
 */
export function forcedEntryId(logId: Hash, forced: { index: number; contentHash: Hash }): Hash {
  return entryId(ENTRY_KIND.forced, logId, [uint(forced.index), forced.contentHash])
}

/** Id of marks of one underlying. */
export function marksEntryId(logId: Hash, marks: { underlying: number; sequence: bigint }): Hash {
  return entryId(ENTRY_KIND.system, logId, [uint(1), uint(marks.underlying), uint(marks.sequence)])
}

/** Which marks and parameters margins rest on. */
export type RiskVersion = {
  /** Count of the log's marks up to the last that is in it; 0 before the first. */
  marksSeq: bigint
  /** Version of the margin parameters. */
  paramsVersion: number
}

/** Id of the entry from which on margins rest on a version. */
export function riskEntryId(logId: Hash, risk: RiskVersion): Hash {
  const { marksSeq, paramsVersion } = risk
  return entryId(ENTRY_KIND.system, logId, [uint(2), uint(marksSeq), uint(paramsVersion)])
}

/** A step of an account's liquidation that the sequencer takes by itself. */
export type LiquidationStart = 'call' | 'start'

/** Id of the entry that calls an account or starts its sale, on the margin of a version. */
export function liquidationEntryId(
  logId: Hash,
  start: { account: AccountId; step: LiquidationStart; risk: RiskVersion },
): Hash {
  const { account, step, risk } = start
  const content = [uint(3), account, uint(step === 'call' ? 1 : 2)]
  const version = [uint(risk.marksSeq), uint(risk.paramsVersion)]
  return entryId(ENTRY_KIND.system, logId, [...content, ...version])
}

/** A bundle's terms as RLP fields, in the order that ids and records use. */
export function termFields(terms: BundleTerms): Fields[] {
  return [
    uint(terms.minSlot ?? 0n),
    uint(terms.maxSlot ?? 0n),
    uint(terms.minTimestamp ?? 0),
    uint(terms.maxTimestamp ?? 0),
    stringToHex(terms.replacementUuid ?? ''),
    terms.salt ?? '0x',
    uint(terms.blockNumber ?? 0),
    uint(terms.backrun === true ? 1 : 0),
    (terms.legTerms ?? []).map((leg) => [
      uint(leg.canSkip ? 1 : 0),
      leg.after.map(uint),
      leg.if === undefined ? [] : legConditionFields(leg.if),
    ]),
    (terms.conditional ?? []).map(bundleConditionFields),
    (terms.requireDelivery ?? []).map(uint),
    terms.margin === undefined ? [] : marginFields(terms.margin),
  ]
}

function marginFields({ account, initialMin18 }: MarginPredicate): Fields {
  return [
    account,
    uint(initialMin18 < 0n ? 1 : 0),
    uint(initialMin18 < 0n ? -initialMin18 : initialMin18),
  ]
}

function entryId(kind: EntryKind, logId: Hash, content: readonly Fields[]): Hash {
  return keccak256(encodeFields([uint(ENTRY_VERSION), uint(kind), logId, content]))
}
