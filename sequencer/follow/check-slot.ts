import type { Hash } from '../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { checkBlocks } from './check-blocks.ts'
import { checkEntries } from './check-entries.ts'
import { checkForced } from './check-forced.ts'
import { checkHeader } from './check-header.ts'
import { checkNative } from './check-native.ts'
import { checkProgram } from './check-program.ts'
import { checkRules } from './check-rules.ts'
import { checkShape, type SlotLegs } from './check-shape.ts'
import { checkVerdicts, isJudged } from './check-verdicts.ts'
import { takeSlot, type FollowedState } from './followed-state.ts'
import { LieError } from './lie.ts'
import type { FollowRules } from './rules.ts'

/**
 * Checks one slot against the slots before it, and its verdicts on the follower's nodes, which stand at
 * the superblock before it; then takes it.
 *
 * @throws {@link LieError} with the first rule that is broken.
 */
export async function checkSlot(
  rules: FollowRules,
  record: SlotRecord,
  followed: FollowedState,
): Promise<SlotLegs> {
  const { config, drivers } = rules
  const { before } = followed
  checkHeader(rules, record, before)
  const legs = checkShape(rules, record)
  checkForced(config, record, { before, inbox: rules.inbox })
  checkBlocks(config, record, followed)
  checkResults(record)
  const { state } = followed.fold
  const entries = checkEntries(rules, record, { state, legs })
  const known = state.systemNonces
  const program = checkProgram(config, record, { entries, legs, known })
  checkRules(config, record, { before, legs })
  checkNative(config, state.native, record)
  const slot = { record, entries, program }
  if (drivers.size > 0 && isJudged(slot)) await checkVerdicts(rules, slot, followed)
  takeSlot(followed, record, { config, legs })
  checkAlone(record, followed)
  return legs
}

/** A required leg that failed voids its entry on every chain: it may not stand. */
function checkResults({ header, entries, chains }: SlotRecord): void {
  for (const { chainId, legs } of chains) {
    for (const [leg, { origin, status, hash }] of legs.entries()) {
      if (status === 1) continue
      const entry = origin.type === 'open' ? undefined : entries[origin.entry]
      if (origin.type === 'entry' && entry?.canRevert[origin.leg] === true) continue
      const what =
        origin.type === 'entry'
          ? 'every required leg of an entry takes effect (I4)'
          : 'an opening leg and a delivery succeed'
      const place = { slot: header.height, chainId, leg, transactionHash: hash }
      throw new LieError(place, { what, posted: 'status 0', recomputed: 'status 1' })
    }
  }
}

/**
 * What was first seen as a required leg of a bundle stands, while it is known, in no other entry but one
 * that has all of them, in their order, of a bundle that was not cancelled (I21).
 */
function checkAlone({ header, entries, chains }: SlotRecord, { fold }: FollowedState): void {
  const { owners, owned, closed } = fold.state.memory
  const placesIn = (entry: number) =>
    new Map(
      chains.flatMap(({ legs }) =>
        legs.flatMap(({ origin, hash }) =>
          origin.type === 'entry' && origin.entry === entry ? [[hash, origin.leg] as const] : [],
        ),
      ),
    )
  const standsWhole = (ownerId: Hash, entry: number) => {
    if (closed.get(ownerId)?.by === 'sender') return false
    const places = placesIn(entry)
    const found = (owned.get(ownerId) ?? []).map((hash) => places.get(hash) ?? -1)
    return found.every((place, i) => place > (found[i - 1] ?? -1))
  }
  for (const { chainId, legs } of chains) {
    for (const [leg, { origin, hash }] of legs.entries()) {
      const owner = origin.type === 'entry' ? owners.get(hash) : undefined
      if (owner === undefined || origin.type !== 'entry') continue
      const { entryId } = entries[origin.entry] ?? {}
      if (owner.entryId === entryId || standsWhole(owner.entryId, origin.entry)) continue
      const place = { slot: header.height, chainId, leg, transactionHash: hash }
      const what = 'no leg of a bundle stands without it (I21)'
      throw new LieError(place, { what, posted: `${entryId}`, recomputed: owner.entryId })
    }
  }
}
