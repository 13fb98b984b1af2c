import { ENTRY_KIND, termFields } from '../../sdk/protocol/entry.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { RecordedEntry, SlotRecord } from '../../sdk/protocol/slot.ts'
import { slotNumber } from '../core/bundles/admission.ts'
import type { Entry } from '../core/entries/entry.ts'
import type { CoreState } from '../core/state.ts'
import type { SlotLegs } from './check-shape.ts'
import { LieError, mustBe, type LiePlace } from './lie.ts'
import { legsByEntry, remakeEntry } from './remake.ts'
import type { FollowRules } from './rules.ts'

/**
 * Makes every entry of a slot again from its transactions and compares: its id, which binds legs and
 * terms, its lane, whether it can be cancelled, how long it may wait. No entry stands twice (I6), after it was
 * withdrawn (I20) or with marks that are not newer.
 *
 * @returns The entries, in order.
 * @throws LieError with the first rule that is broken.
 */
export function checkEntries(
  rules: FollowRules,
  record: SlotRecord,
  { state, legs }: { state: CoreState; legs: SlotLegs },
): Entry[] {
  const slot = record.header.height
  const own = legsByEntry(record, legs)
  const seen = new Set<Hash>()
  const marks = new Map(state.marks)
  return record.entries.map((entry, i) => {
    const place = { slot, entry: i }
    const { entryId } = entry
    const again = seen.has(entryId) || state.memory.sequenced.has(entryId)
    seen.add(entryId)
    mustBe(place, 'an entry stands once (I6)', {
      posted: entryId,
      recomputed: again ? 'it stands already' : entryId,
    })
    const closed = state.memory.closed.get(entryId)
    mustBe(place, 'what was cancelled or replaced does not stand (I20)', {
      posted: entryId,
      recomputed: closed === undefined ? entryId : `withdrawn by ${closed.by}`,
    })
    checkWithheld(place, entry)
    const made = remakeEntry(rules, state, { entry, own: own[i] ?? [] })
    if (made === undefined) {
      const finding = { what: 'an entry can be made again', posted: entryId, recomputed: 'none' }
      throw new LieError(place, finding)
    }
    compare(place, entry, made)
    checkDeadline(place, entry)
    if (entry.marks !== undefined) {
      const { underlying, sequence } = entry.marks
      const last = marks.get(underlying) ?? 0n
      mustBe(place, 'marks go forward', {
        posted: sequence,
        recomputed: sequence > last ? sequence : `above ${last}`,
      })
      marks.set(underlying, sequence)
    }
    return made
  })
}

/** A user's entry without effect is there with its legs: else nobody could see why it has none. */
function checkWithheld(place: LiePlace, entry: RecordedEntry): void {
  const { kind, canRevert, withheld, voided } = entry
  const users = kind === ENTRY_KIND.bundle || kind === ENTRY_KIND.transaction
  const held = users && voided !== undefined ? canRevert.length : 0
  mustBe(place, 'the legs of a voided entry stand with it', {
    posted: withheld.length,
    recomputed: held,
  })
}

function compare(place: LiePlace, entry: RecordedEntry, made: Entry): void {
  const rule = (what: string, posted: unknown, recomputed: unknown) =>
    mustBe(place, what, { posted, recomputed })
  rule('an entry’s id binds its legs and terms', entry.entryId, made.entryId)
  rule('an entry stands in the lane of what it does (I10)', entry.lane, made.lane)
  rule('an entry says which of its legs may revert', entry.canRevert, made.canRevert)
  rule('an entry has the terms of its kind', termsText(entry), termsText(made))
  rule('marks are what their calldata brings', marksText(entry), marksText(made))
  const named = entry.kind === ENTRY_KIND.bundle && entry.terms.replacementUuid !== undefined
  const owner = entry.sender === undefined ? 'nobody' : 'somebody'
  rule('a bundle with a name says who may cancel it', owner, named ? 'somebody' : 'nobody')
}

/** The deadline is the bundle's own, or as far as any entry may wait. */
function checkDeadline(place: LiePlace, { deadlineSlot, terms, forced }: RecordedEntry): void {
  const { maxSlot } = terms
  const { slot } = place
  const latest = maxSlot === undefined ? slot - 1 + LIMITS.bundleHorizonSlots : slotNumber(maxSlot)
  const least = forced === undefined ? slot : 0
  const fits =
    maxSlot === undefined
      ? deadlineSlot >= least && deadlineSlot <= latest
      : deadlineSlot === latest
  mustBe(place, 'an entry’s deadline is its own, or inside the horizon', {
    posted: deadlineSlot,
    recomputed: fits ? deadlineSlot : `${maxSlot === undefined ? `${least} to ` : ''}${latest}`,
  })
}

function termsText({ terms }: Pick<Entry, 'terms'>): string {
  return JSON.stringify(termFields(terms))
}

function marksText({ marks }: Pick<Entry, 'marks'>): string {
  return marks === undefined ? 'none' : `${marks.underlying}: ${marks.sequence}`
}
