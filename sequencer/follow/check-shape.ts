import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { ENTRY_KIND, LANES } from '../../sdk/protocol/entry.ts'
import { TandemError } from '../../sdk/protocol/errors.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { SlotRecord, UnusedLeg } from '../../sdk/protocol/slot.ts'
import { chainOf } from '../core/config.ts'
import type { Leg } from '../core/entries/leg.ts'
import { LieError, mustBe, type LiePlace } from './lie.ts'
import type { FollowRules } from './rules.ts'

/** Every transaction of a slot by its hash, read once. */
export type SlotLegs = ReadonlyMap<Hash, Leg>

/**
 * Checks that a slot is made of known chains, kinds and lanes, that whatever points into it points at
 * something, and that every transaction in it can be read and has the hash that it is named by.
 *
 * @throws {@link LieError} with the first that is not so: nothing else need ask again.
 */
export function checkShape(rules: FollowRules, record: SlotRecord): SlotLegs {
  const slot = record.header.height
  const legs = new Map<Hash, Leg>()
  const kinds: readonly number[] = Object.values(ENTRY_KIND)
  for (const [entry, item] of record.entries.entries()) {
    const known =
      kinds.includes(item.kind) && item.lane < LANES && item.canRevert.length <= LIMITS.bundleLegs
    mustBe({ slot, entry }, 'an entry has a known kind and lane', {
      posted: `kind ${item.kind}, lane ${item.lane}, ${item.canRevert.length} legs`,
      recomputed: known
        ? `kind ${item.kind}, lane ${item.lane}, ${item.canRevert.length} legs`
        : '',
    })
    for (const leg of [...item.skipped, ...item.withheld]) {
      readLeg(rules, { place: { slot, entry, chainId: leg.chainId }, leg }, legs)
    }
  }
  const chainIds = record.chains.map(({ chainId }) => chainId)
  const known = rules.config.chains.map(({ chainId }) => chainId)
  const ordered = known.filter((chainId) => chainIds.includes(chainId))
  mustBe({ slot }, 'a slot names rollups that are sequenced, once and ascending', {
    posted: chainIds,
    recomputed: ordered,
  })
  for (const { chainId, legs: own } of record.chains) {
    for (const [i, { hash, rawTx }] of own.entries()) {
      const place = { slot, chainId, leg: i, transactionHash: hash }
      readLeg(rules, { place, leg: { chainId, hash, rawTx } }, legs)
    }
  }
  checkPlaces(record)
  return legs
}

/**
 * Checks that every leg of a slot is one of its entries' and that every entry that has an effect has
 * each of its legs once: in a block, or left out (I4).
 *
 * @throws {@link LieError} with the first that is not so.
 */
export function checkPlaces({ header, entries, chains }: SlotRecord): void {
  const slot = header.height
  const found = entries.map(({ skipped }) => skipped.map(({ leg }) => leg))
  for (const { chainId, legs } of chains) {
    for (const [i, { origin }] of legs.entries()) {
      if (origin.type === 'open') continue
      const { canRevert, voided } = entries[origin.entry] ?? {}
      const there = canRevert !== undefined && origin.leg < canRevert.length && voided === undefined
      const text = `leg ${origin.leg} of entry ${origin.entry}`
      mustBe({ slot, chainId, leg: i }, 'a leg is one of an entry that has an effect', {
        posted: text,
        recomputed: there ? text : 'none',
      })
      if (origin.type === 'entry') found[origin.entry]?.push(origin.leg)
    }
  }
  for (const [entry, { canRevert, voided }] of entries.entries()) {
    const wanted = voided === undefined ? canRevert.map((_, leg) => leg) : []
    mustBe({ slot, entry }, 'every leg of an entry is in the slot, once (I4)', {
      posted: found[entry]?.toSorted((a, b) => a - b),
      recomputed: wanted,
    })
  }
}

function readLeg(
  { config, legOf }: FollowRules,
  { place, leg }: { place: LiePlace; leg: UnusedLeg },
  legs: Map<Hash, Leg>,
): void {
  const { chainId, hash, rawTx } = leg
  const what = 'a transaction can be read'
  if (chainOf(config, chainId) === undefined) {
    throw new LieError(place, { what, posted: `chain ${chainId}`, recomputed: 'no such rollup' })
  }
  mustBe(place, 'a transaction has the hash that names it', {
    posted: hash,
    recomputed: keccak256(rawTx),
  })
  try {
    legs.set(hash, legOf(chainId, rawTx))
  } catch (error) {
    if (!(error instanceof TandemError)) throw error
    throw new LieError(place, { what, posted: hash, recomputed: error.message })
  }
}
