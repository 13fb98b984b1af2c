import {
  ENTRY_KIND,
  LANE,
  type BundleTerms,
  type EntryKind,
  type Lane,
  type LegTerms,
  type RiskVersion,
} from '../../../sdk/protocol/entry.ts'
import type { ErrorName, ErrorValues } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import type { RecordedForced } from '../../../sdk/protocol/slot.ts'
import type { Call, Leg } from './leg.ts'

/** An error of the registry with its values: why something is refused. */
export type Fault = { error: ErrorName; values: ErrorValues }

/** One leg of an entry: a user's signed transaction, or a call that the system key will sign. */
export type EntryLeg =
  | { type: 'user'; chainId: number; leg: Leg }
  /** `call.nonce` is set when its place is known. */
  | { type: 'system'; chainId: number; call: Omit<Call, 'nonce'> }

/** An entry on its way into the log. */
export type Entry = {
  entryId: Hash
  kind: EntryKind
  lane: Lane
  /** Order of arrival. */
  sequence: number
  /** 1 to 16, in execution order. */
  legs: readonly EntryLeg[]
  /** One per leg. */
  canRevert: readonly boolean[]
  terms: BundleTerms
  /** Bytes of its transactions. */
  bytes: number
  /** First and last slot in which it may stand. */
  firstSlot: number
  deadlineSlot: number
  /** Sender of the first leg. */
  sender: Address
  /** Who may replace or cancel it: whoever signed the request for it, else the sender. */
  owner: Address
  /** Accounts whose margin the hub checks after all other legs, with the leg's sender. */
  joint: readonly { sender: Address; account: AccountId }[]
  marks?: { underlying: number; sequence: bigint } | undefined
  /** For a risk version. */
  risk?: RiskVersion | undefined
  /** Account that the sequencer itself calls or puts up for sale. */
  liquidates?: AccountId | undefined
  /** Where a forced entry stands in the inbox. */
  forced?: RecordedForced | undefined
  /** Requests that wait for its receipt or refusal. */
  waiters: number[]
}

/** Key of a map over accounts of chains. */
export type AccountKey = `${number}:${Address}`

/** Names an account on one chain. */
export function accountKey(chainId: number, address: Address): AccountKey {
  return `${chainId}:${address}`
}

/** Key of a map over (owner, replacementUuid). */
export function replacementKey(owner: Address, uuid: string): string {
  return `${owner}:${uuid.toLowerCase()}`
}

/** User legs of an entry. */
export function userLegs(entry: Entry): readonly Leg[] {
  return entry.legs.flatMap((item) => (item.type === 'user' ? [item.leg] : []))
}

const plainTerms: LegTerms = { canSkip: false, after: [] }

/** Terms of one leg of an entry. */
export function legTermsOf(entry: Entry, leg: number): LegTerms {
  return entry.terms.legTerms?.[leg] ?? plainTerms
}

/** Says whether the log must hold the entry even if it cannot execute: then it is voided there. */
export function isVoidable(entry: Entry): boolean {
  return entry.lane === LANE.urgent || entry.kind === ENTRY_KIND.forced
}

/** Hashes of the legs without which the entry does not stand, for entries of more than one leg or a salt. */
export function protectedLegs(entry: Entry): readonly Hash[] {
  return entry.legs.flatMap((item, i) =>
    item.type === 'user' && entry.canRevert[i] !== true && !legTermsOf(entry, i).canSkip
      ? [item.leg.hash]
      : [],
  )
}
