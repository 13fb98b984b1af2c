import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { LANES } from '../../sdk/protocol/entry.ts'
import { EMPTY_ROOT, merkleRoot } from '../../sdk/protocol/merkle.ts'
import { logsHash } from '../../sdk/protocol/receipt-hash.ts'
import { slotBodyHash } from '../../sdk/protocol/slot-codec.ts'
import { chainRoot, type SlotHeader, type SlotRecord } from '../../sdk/protocol/slot.ts'
import { mustBe } from './lie.ts'
import type { FollowRules } from './rules.ts'

/**
 * Checks that a slot's header says of its body what the body is, and that it goes on from the slot
 * before: superblocks, time (I13), the origin on `l1` (I17), the count of marks, lanes in order (I9).
 *
 * @throws LieError with the first rule that is broken.
 */
export function checkHeader(
  { leaders }: Pick<FollowRules, 'leaders'>,
  record: SlotRecord,
  before: SlotHeader | undefined,
): void {
  const { header, entries, chains } = record
  const rule = (what: string, posted: unknown, recomputed: unknown) =>
    mustBe({ slot: header.height }, what, { posted, recomputed })
  rule('a header names its body', header.bodyHash, slotBodyHash(record))
  const entriesRoot = merkleRoot(entries.map(({ entryId }) => keccak256(entryId)))
  rule('a header names its entries', header.entriesRoot, entriesRoot)
  const roots = chains.map(({ chainId, legs }) => ({
    chainId,
    root: chainRoot(legs.map((leg) => ({ ...leg, logsHash: logsHash(leg.logs) }))),
  }))
  rule('a header names its legs’ results', rootsText(header.chainRoots), rootsText(roots))
  const counts = Array.from(
    { length: LANES },
    (_, lane) => entries.filter((entry) => entry.lane === lane).length,
  )
  rule('a header counts its lanes', header.laneCounts, counts)
  const lanes = entries.map(({ lane }) => lane)
  rule(
    'entries stand in the order of lanes (I9)',
    lanes,
    lanes.toSorted((a, b) => a - b),
  )
  rule('a log with one leader has one term', header.view, 0)
  if (leaders?.has(header.leader) === false) {
    rule('a slot names a key that led the network', header.leader, [...leaders].join(' or '))
  }
  checkSuccession(record, before, rule)
}

function checkSuccession(
  { header, entries }: SlotRecord,
  before: SlotHeader | undefined,
  rule: (what: string, posted: unknown, recomputed: unknown) => void,
): void {
  const least = (what: string, value: number, limit: number) =>
    rule(what, value, Math.max(value, limit))
  const last = before?.superblock ?? 0
  const next = before !== undefined && header.superblock === last ? last : last + 1
  rule('superblocks are counted without a gap', header.superblock, next)
  least('time strictly increases (I13)', header.timestampMs, (before?.timestampMs ?? 0) + 1)
  const origin = before?.l1Origin ?? { number: 0, hash: EMPTY_ROOT }
  least('the origin on l1 never goes back (I17)', header.l1Origin.number, origin.number)
  if (header.l1Origin.number === origin.number) {
    rule('the origin on l1 has one hash (I17)', header.l1Origin.hash, origin.hash)
  }
  least('the inbox’s cursor never goes back', header.forcedCursor, before?.forcedCursor ?? 0)
  const marks = BigInt(entries.filter((entry) => entry.marks !== undefined).length)
  rule('a header counts the marks', header.marksSeq, (before?.marksSeq ?? 0n) + marks)
}

function rootsText(roots: SlotHeader['chainRoots']): string {
  return roots.map(({ chainId, root }) => `${chainId} ${root}`).join(', ')
}
