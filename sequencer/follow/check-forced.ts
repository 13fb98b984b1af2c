import { ENTRY_KIND } from '../../sdk/protocol/entry.ts'
import type { RecordedEntry, SlotHeader, SlotRecord } from '../../sdk/protocol/slot.ts'
import { chainOf, type CoreConfig } from '../core/config.ts'
import type { ForcedInput } from '../core/forced.ts'
import { partiesOf } from '../shell/drivers/transaction.ts'
import { LieError } from './lie.ts'

/**
 * Checks that a slot takes what was forced: in the inbox's order, as it was put there, and in time (I11).
 *
 * @param inbox - Every bundle of the inbox, by place.
 * @throws {@link LieError} with the first rule that is broken.
 */
export function checkForced(
  config: CoreConfig,
  record: SlotRecord,
  { before, inbox }: { before: SlotHeader | undefined; inbox: readonly ForcedInput[] },
): void {
  const { header, entries } = record
  const differs = (what: string, posted: unknown, recomputed: unknown) =>
    new LieError(
      { slot: header.height },
      { what, posted: String(posted), recomputed: String(recomputed) },
    )
  let cursor = before?.forcedCursor ?? 0
  const taken = entries
    .map((entry, place) => ({ entry, place }))
    .filter(({ entry }) => entry.kind === ENTRY_KIND.forced)
    .toSorted((a, b) => (a.entry.forced?.index ?? 0) - (b.entry.forced?.index ?? 0))
  for (const { entry, place } of taken) {
    const expected = inbox[cursor]
    const rule = 'forced bundles stand in the inbox’s order, as they were put there'
    if (placeText(entry.forced) !== placeText(expected)) {
      throw differs(rule, placeText(entry.forced), placeText(expected))
    }
    if (entry.voided === undefined && expected !== undefined) {
      const posted = legsText(config, record, place)
      const wanted = expected.legs.map(({ chainId, input }) => {
        return `${chainId} ${chainOf(config, chainId)?.bundleExecutor} ${input}`
      })
      if (posted !== wanted.join()) throw differs('a forced bundle runs whole', posted, wanted)
    }
    cursor += 1
  }
  if (header.forcedCursor !== cursor) {
    throw differs('the inbox’s cursor counts what was forced', header.forcedCursor, cursor)
  }
  const overdue = inbox[cursor]
  const limit = header.l1Origin.number - config.forcedWithinBlocks
  if (overdue !== undefined && overdue.l1Block <= limit) {
    const what = `what was forced in block ${overdue.l1Block} stands in the log in time (I11)`
    throw differs(what, `origin ${header.l1Origin.number} without it`, 'it stands here or before')
  }
}

function placeText(forced: Pick<ForcedInput, 'index' | 'contentHash' | 'l1Block'> | undefined) {
  if (forced === undefined) return 'none'
  return `${forced.index}: ${forced.contentHash} of block ${forced.l1Block}`
}

function legsText({ chains }: CoreConfig, record: SlotRecord, place: number): string {
  const legs: { leg: number; text: string }[] = []
  for (const { chainId } of chains) {
    const found = record.chains.find((chain) => chain.chainId === chainId)?.legs ?? []
    for (const { origin, rawTx } of found) {
      if (origin.type !== 'entry' || origin.entry !== place) continue
      const { to, input } = partiesOf(rawTx)
      legs.push({ leg: origin.leg, text: `${chainId} ${to} ${input}` })
    }
  }
  return legs
    .toSorted((a, b) => a.leg - b.leg)
    .map(({ text }) => text)
    .join()
}

/** Says whether an entry's legs are the system key's to sign. */
export function isSystemSigned(entry: RecordedEntry | undefined): boolean {
  return entry?.kind === ENTRY_KIND.system || entry?.kind === ENTRY_KIND.forced
}
