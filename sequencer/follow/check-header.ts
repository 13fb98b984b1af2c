import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { LANES } from '../../sdk/protocol/entry.ts'
import { merkleRoot } from '../../sdk/protocol/merkle.ts'
import { logsHash } from '../../sdk/protocol/receipt-hash.ts'
import { slotBodyHash } from '../../sdk/protocol/slot-codec.ts'
import { chainRoot, type SlotHeader, type SlotRecord } from '../../sdk/protocol/slot.ts'
import { LieError } from './lie.ts'

/**
 * Checks that a slot's header says of its body what the body is, and that it goes on from the slot
 * before: time (I13), the origin on `l1` and the inbox's cursor (I17), lanes in order (I9).
 *
 * @throws {@link LieError} with the first rule that is broken.
 */
export function checkHeader(record: SlotRecord, before: SlotHeader | undefined): void {
  const { header, entries, chains } = record
  const rule = (what: string, posted: unknown, recomputed: unknown) => {
    if (String(posted) === String(recomputed)) return
    throw new LieError(
      { slot: header.height },
      { what, posted: String(posted), recomputed: String(recomputed) },
    )
  }
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
  rule('a header counts its lanes', header.laneCounts.join(), counts.join())
  const lanes = entries.map(({ lane }) => lane)
  rule(
    'entries stand in the order of lanes (I9)',
    lanes.join(),
    lanes.toSorted((a, b) => a - b).join(),
  )
  if (before === undefined) return
  const least = (what: string, value: number, limit: number) =>
    rule(what, value, Math.max(value, limit))
  least('time strictly increases (I13)', header.timestampMs, before.timestampMs + 1)
  least('superblocks never go back', header.superblock, before.superblock)
  least('the origin on l1 never goes back (I17)', header.l1Origin.number, before.l1Origin.number)
  least('the inbox’s cursor never goes back', header.forcedCursor, before.forcedCursor)
}

function rootsText(roots: SlotHeader['chainRoots']): string {
  return roots.map(({ chainId, root }) => `${chainId} ${root}`).join(', ')
}
