import { assert } from '../../../sdk/protocol/assert.ts'
import type { SlotNotes } from '../../../sdk/protocol/slot.ts'
import type { CoreInput, Effect } from '../input.ts'
import { refuseEntry } from '../bundles/pool.ts'
import type { CoreState } from '../state.ts'

/** Stops a rollup until it is resumed: what touches it is refused with the reason, the others go on. */
export function stopChain(
  state: CoreState,
  { chainId, reason }: { chainId: number; reason: string },
): Effect[] {
  if (state.stopped.has(chainId)) return []
  state.stopped.set(chainId, reason)
  state.notes.stopped.push({ chainId, reason })
  const refused = [...state.pending.values()]
    .filter((entry) => entry.legs.some((leg) => leg.chainId === chainId))
    .filter((entry) => state.formation?.entries.includes(entry) !== true)
    // What was forced stands in the log: voided.
    .filter((entry) => entry.forced === undefined)
    .map((entry) =>
      refuseEntry(state, entry, { error: 'CHAIN_STOPPED', values: { chainId, reason } }),
    )
  return [{ type: 'stopped', chainId, reason }, ...refused]
}

/** Lets a stopped rollup go on: the log says so first, then its withheld block is made and published. */
export function resumeChain(
  state: CoreState,
  { chainId, slot }: Extract<CoreInput, { type: 'resume' }>,
): Effect[] {
  assert(state.stopped.has(chainId), 'what is resumed has stopped')
  assert(!state.superblock.blocks.has(chainId), 'what is resumed has no open block')
  state.notes.resumed.push({ chainId, slot })
  return []
}

/** Takes the rollups into the open superblock that its slot resumes. */
export function beginResumed(state: CoreState, { resumed }: SlotNotes): void {
  for (const { chainId, slot } of resumed) {
    state.stopped.delete(chainId)
    state.superblock.resumed.set(chainId, slot > 0)
  }
}

/** Goes on with the resumed rollups of a superblock that was published. */
export function finishResumed(
  state: CoreState,
  systemNonces: Extract<CoreInput, { type: 'published' }>['systemNonces'],
): Effect[] {
  const effects: Effect[] = []
  for (const chainId of state.superblock.resumed.keys()) {
    // What was read before its withheld block says nothing any more.
    for (const key of state.accounts.keys()) {
      if (key.startsWith(`${chainId}:`)) state.accounts.delete(key)
    }
    // The difference was there again.
    if (state.stopped.has(chainId)) continue
    const nonce = systemNonces?.get(chainId)
    assert(nonce !== undefined, 'the system key’s nonce on a resumed chain is known')
    state.systemNonces.set(chainId, nonce)
    state.touchedAtMs.delete(chainId)
    effects.push({ type: 'resumed', chainId })
  }
  state.superblock.resumed = new Map()
  return effects
}
