import { ENTRY_KIND, forcedEntryId, LANE, riskEntryId } from '../../sdk/protocol/entry.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import type { RecordedEntry, SlotRecord } from '../../sdk/protocol/slot.ts'
import { bundleEntry, marksEntry, transactionEntry } from '../core/bundles/admission.ts'
import type { Entry, EntryLeg } from '../core/entries/entry.ts'
import { forcedEntry } from '../core/bundles/forced.ts'
import { liquidationGas, systemCall } from '../core/slots/system-calls.ts'
import { hubOf, type CoreConfig } from '../core/config.ts'
import type { Leg } from '../core/entries/leg.ts'
import type { CoreState } from '../core/state.ts'
import type { SlotLegs } from './check-shape.ts'
import type { FollowRules } from './rules.ts'

/** An entry's transactions as a slot has them, by place in the entry. */
export type EntryLegs = readonly (Leg | undefined)[]

/** Collects the transactions of every entry of a slot: those in blocks and those that are in none. */
export function legsByEntry({ entries, chains }: SlotRecord, legs: SlotLegs): EntryLegs[] {
  const found = entries.map((): (Leg | undefined)[] => [])
  const put = (entry: number, leg: number, hash: Hash) => {
    const row = found[entry]
    if (row !== undefined) row[leg] = legs.get(hash)
  }
  for (const chain of chains) {
    for (const { origin, hash } of chain.legs) {
      if (origin.type === 'entry') put(origin.entry, origin.leg, hash)
    }
  }
  for (const [i, { skipped, withheld }] of entries.entries()) {
    for (const { leg, hash } of skipped) put(i, leg, hash)
    for (const [leg, { hash }] of withheld.entries()) put(i, leg, hash)
  }
  return found
}

/**
 * Makes an entry of the log again from its transactions, as it was made when it came in.
 *
 * @param own - Its transactions; every place of a user's entry is filled.
 * @returns Undefined where it comes from the inbox and that is not at hand.
 */
export function remakeEntry(
  { config, inbox, marksOf }: FollowRules,
  state: CoreState,
  { entry, own }: { entry: RecordedEntry; own: EntryLegs },
): Entry | undefined {
  // What is made counts arrivals: the state that is read stays as it is.
  const reader = { ...state, config }
  const { sequence, deadlineSlot, canRevert, terms, forced } = entry
  const placed = (made: Entry): Entry => ({ ...made, sequence, deadlineSlot })
  const legs = own.flatMap((leg) => leg ?? [])
  const [first] = legs
  if (entry.kind === ENTRY_KIND.forced) {
    const input = forced === undefined ? undefined : inbox?.[forced.index]
    if (input !== undefined) return placed(forcedEntry(reader, input))
    return inbox === undefined ? placed(unknownForced(config.logId, entry, legs)) : undefined
  }
  if (entry.kind === ENTRY_KIND.bundle) {
    const owner = entry.sender
    return placed(bundleEntry(reader, { ...terms, legs, canRevert, owner }))
  }
  if (entry.kind === ENTRY_KIND.transaction) {
    return first === undefined ? undefined : placed(transactionEntry(reader, first))
  }
  if (entry.marks === undefined) return remakeOwn(config, entry, first)
  const marks = first === undefined ? undefined : marksOf(first.input)
  if (first === undefined || marks === undefined) return undefined
  return placed(marksEntry(reader, { ...marks, calldata: first.input }))
}

/** A risk version, or the sequencer's own start of a liquidation on the hub. */
function remakeOwn(
  config: CoreConfig,
  entry: RecordedEntry,
  leg: Leg | undefined,
): Entry | undefined {
  const { kind, entryId, sequence, deadlineSlot, risk } = entry
  const { system, logId } = config
  const own = {
    ...{ kind, sequence, deadlineSlot, terms: {}, bytes: 0, firstSlot: 0, joint: [], waiters: [] },
    ...{ sender: system, owner: system },
  }
  if (risk !== undefined) {
    const id = riskEntryId(logId, risk)
    return { ...own, entryId: id, lane: LANE.system, legs: [], canRevert: [], risk }
  }
  const hub = hubOf(config)
  if (hub?.liquidationAuction === undefined) return undefined
  const to = hub.liquidationAuction
  const { chainId } = hub
  const call =
    leg === undefined
      ? undefined
      : systemCall(hub, { system, to, input: leg.input, gas: liquidationGas })
  const legs = call === undefined ? [] : [{ type: 'system' as const, chainId, call }]
  return { ...own, entryId, lane: LANE.urgent, legs, canRevert: [false] }
}

/** A forced entry as the log alone knows it: what it ran. */
function unknownForced(logId: Hash, entry: RecordedEntry, legs: readonly Leg[]): Entry {
  const { kind, lane, sequence, deadlineSlot, canRevert, terms, forced } = entry
  const own = legs.map(({ chainId, from, to, input, value, gas, fee, accessList }): EntryLeg => {
    return { type: 'system', chainId, call: { from, to, input, value, gas, fee, accessList } }
  })
  const entryId = forced === undefined ? logId : forcedEntryId(logId, forced)
  return {
    ...{ kind, entryId, lane, sequence, deadlineSlot, canRevert, terms, forced, legs: own },
    ...{ bytes: 0, firstSlot: 0, sender: '0x', owner: '0x', joint: [], waiters: [] },
  }
}
