import { ENTRY_KIND } from '../../sdk/protocol/entry.ts'
import type { SlotHeader, SlotRecord } from '../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../core/config.ts'
import type { ForcedInput } from '../core/bundles/forced.ts'
import { mustBe } from './lie.ts'

/**
 * Checks that a slot takes what was forced: in the inbox's order, as it was put there, and in time (I11).
 *
 * @param inbox - Every bundle of the inbox, by place; absent when `l1` was not asked.
 * @throws LieError with the first rule that is broken.
 */
export function checkForced(
  config: CoreConfig,
  { header, entries }: SlotRecord,
  { before, inbox }: { before: SlotHeader | undefined; inbox: readonly ForcedInput[] | undefined },
): void {
  const slot = header.height
  let cursor = before?.forcedCursor ?? 0
  const taken = entries
    .map(({ kind, forced }, entry) => ({ kind, forced, entry }))
    .filter(({ kind, forced }) => kind === ENTRY_KIND.forced || forced !== undefined)
    .toSorted((a, b) => (a.forced?.index ?? 0) - (b.forced?.index ?? 0))
  for (const { kind, forced, entry } of taken) {
    const alone = forced === undefined ? undefined : { ...forced, index: cursor }
    const expected = inbox === undefined ? alone : inbox[cursor]
    mustBe({ slot, entry }, 'forced bundles stand in the inbox’s order, as they were put there', {
      posted: kind === ENTRY_KIND.forced ? placeText(forced) : `an entry of kind ${kind}`,
      recomputed: placeText(expected),
    })
    cursor += 1
  }
  mustBe({ slot }, 'the inbox’s cursor counts what was forced', {
    posted: header.forcedCursor,
    recomputed: cursor,
  })
  const overdue = inbox?.[cursor]
  const limit = header.l1Origin.number - config.forcedWithinBlocks
  if (overdue === undefined || overdue.l1Block > limit) return
  mustBe({ slot }, `what was forced in block ${overdue.l1Block} stands in the log in time (I11)`, {
    posted: `origin ${header.l1Origin.number} without it`,
    recomputed: 'it stands here or before',
  })
}

function placeText(
  forced: Pick<ForcedInput, 'index' | 'contentHash' | 'l1Block'> | undefined,
): string {
  if (forced === undefined) return 'no place in the inbox'
  return `${forced.index}: ${forced.contentHash} of block ${forced.l1Block}`
}
