import { ENTRY_KIND, LANE } from '../../../sdk/protocol/entry.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Entry, Fault } from '../entries/entry.ts'
import type { CoreState } from '../state.ts'

/** Counts a bundle that was simulated for nothing. */
export function noteFailure(state: CoreState, entry: Entry, fault: Fault): void {
  const wasted = ['LEG_FAILED', 'CONDITION_FAILED', 'MARGIN_TOO_LOW', 'INVALID_TRANSACTION']
  if (wasted.includes(fault.error)) count(state, entry)
}

/** Counts an entry that took the way of lane 1 for nothing. */
export function noteVoided(state: CoreState, entry: Entry): void {
  count(state, entry)
}

function count(state: CoreState, entry: Entry): void {
  if (!isCounted(entry)) return
  const { failures, height } = state
  const known = failures.get(entry.sender)
  if (known !== undefined && height - known.sinceSlot < LIMITS.failureSlots) {
    known.count += 1
    return
  }
  if (failures.size >= LIMITS.failingSenders) forgetFailures(state)
  failures.set(entry.sender, { count: 1, sinceSlot: height })
}

/** Refuses bundles of a sender whose bundles failed too often: simulations are for those that stand. */
export function faultOfFailures(state: CoreState, entry: Entry): Fault | undefined {
  if (!isCounted(entry)) return undefined
  const known = state.failures.get(entry.sender)
  if (known === undefined || known.count < LIMITS.failuresPerSender) return undefined
  const slot = known.sinceSlot + LIMITS.failureSlots
  if (state.height >= slot) return undefined
  const { sender } = entry
  const limit = LIMITS.failuresPerSender
  return { error: 'THROTTLED', values: { sender, failures: known.count, limit, slot } }
}

/** A transaction that fails pays for itself, unless it stands in lane 1 and is voided. */
function isCounted({ kind, lane }: Entry): boolean {
  if (kind === ENTRY_KIND.bundle) return true
  return kind === ENTRY_KIND.transaction && lane === LANE.urgent
}

/** Keeps the table bounded: what is old goes first, then whoever failed least recently. */
function forgetFailures({ failures, height }: CoreState): void {
  for (const [sender, { sinceSlot }] of failures) {
    if (height - sinceSlot >= LIMITS.failureSlots) failures.delete(sender)
  }
  for (const sender of failures.keys()) {
    if (failures.size < LIMITS.failingSenders) return
    failures.delete(sender)
  }
}
