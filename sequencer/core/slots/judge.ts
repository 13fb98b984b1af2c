import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { chainOf } from '../config.ts'
import { faultOfBundle, mismatchOfLeg } from '../bundles/conditions.ts'
import { isVoidable, legTermsOf, type Entry, type Fault } from '../entries/entry.ts'
import type { LegOutcome } from '../entries/execution.ts'
import type { Formation } from './formation.ts'
import { dispatchedMessages, type Message } from '../messages/messages.ts'
import { deliveryKey, type PlacedStep, type Placements } from './program.ts'
import { failureValues } from '../entries/reason.ts'
import type { CoreState } from '../state.ts'

/** What a step did in the current layout. */
export type StepResult = { step: PlacedStep; outcome: LegOutcome }

/** Results of a fully simulated layout, by entry in execution order. */
export function resultsByEntry(formation: Formation): {
  opens: StepResult[]
  entries: Map<Hash, StepResult[]>
} {
  const opens: StepResult[] = []
  const entries = new Map<Hash, StepResult[]>(formation.entries.map((e) => [e.entryId, []]))
  for (const [chainId, list] of formation.lists) {
    const outcomes = formation.results.get(chainId) ?? []
    for (const [i, step] of list.entries()) {
      const result = { step, outcome: outcomes[i] as LegOutcome }
      if (step.origin.type === 'open') opens.push(result)
      else entries.get(step.origin.entryId)?.push(result)
    }
  }
  return { opens, entries }
}

/** Messages that the layout's legs dispatched, where they must be delivered. */
export function placementsOf(
  state: CoreState,
  formation: Formation,
): { placements: Placements; missing: Map<Hash, Message> } {
  const placements: Placements = new Map()
  /** Credit messages that cannot be delivered in this slot, by entry. */
  const missing = new Map<Hash, Message>()
  let count = 0
  const byEntry = resultsByEntry(formation).entries
  for (const entry of formation.entries) {
    for (const { step, outcome } of byEntry.get(entry.entryId) ?? []) {
      if (outcome.status === 0 || outcome.logs.length === 0) continue
      const depth = step.origin.type === 'delivery' ? step.origin.depth : 0
      const placed: Message[] = []
      for (const message of dispatchedMessages(state.config, step.chainId, outcome.logs)) {
        const deliverable =
          message.gas !== undefined &&
          depth < LIMITS.messageDepth &&
          count < LIMITS.slotMessages &&
          !state.stopped.has(message.destination) &&
          !formation.undeliverable.has(deliveryKey(step.key, message))
        if (deliverable) {
          placed.push(message)
          count += 1
        } else if (isCredit(state, message) || isRequired(entry, step)) {
          missing.set(entry.entryId, message)
        }
      }
      if (placed.length > 0) placements.set(step.key, placed)
    }
  }
  return { placements, missing }
}

/** Says whether two sets of placements deliver the same messages at the same places. */
export function samePlacements(a: Placements, b: Placements): boolean {
  const filled = (placements: Placements) => [...placements].filter(([, list]) => list.length > 0)
  const left = filled(a)
  if (left.length !== filled(b).length) return false
  return left.every(([parent, messages]) => {
    const other = b.get(parent)
    if (other?.length !== messages.length) return false
    return messages.every((message, i) => message.id === other[i]?.id)
  })
}

/** What judging a settled layout says. */
export type Verdict = {
  changed: boolean
  /** The first entry that fails: it is refused for good, since all before it are settled. */
  rejected?: { index: number; fault: Fault } | undefined
  /** Places of later entries that fail: they try again in the next slot. */
  carried: number[]
  /** Deliveries that reverted and that nobody in the slot needs. */
  undeliverable: string[]
  /** Legs to leave out. */
  skips: { entryId: Hash; leg: number }[]
  broken?: { chainId: number; reason: string } | undefined
}

/** Judges entries in order on a layout whose messages are all placed. */
export function judge(
  state: CoreState,
  formation: Formation,
  missing: ReadonlyMap<Hash, Message>,
): Verdict {
  const verdict: Verdict = { changed: false, carried: [], undeliverable: [], skips: [] }
  const { opens, entries } = resultsByEntry(formation)
  const broken = opens.find(({ outcome }) => outcome.status === 0)
  if (broken !== undefined) {
    const { reason } = failureValues(broken.outcome, broken.step.call.gas)
    const { chainId } = broken.step
    return {
      ...verdict,
      changed: true,
      broken: { chainId, reason: `its slot cannot open: ${reason}` },
    }
  }
  for (const [index, entry] of formation.entries.entries()) {
    if (formation.voided.has(entry.entryId)) continue
    const results = entries.get(entry.entryId) ?? []
    const left = legsToSkip(formation, entry, results)
    const empty = faultOfEmpty(formation, entry, left)
    if (left.length > 0 && empty === undefined) {
      // What comes later ran with these legs before it: it is judged without them.
      if (verdict.rejected === undefined) {
        verdict.changed = true
        verdict.skips = left.map((leg) => ({ entryId: entry.entryId, leg }))
      }
      return verdict
    }
    const fault =
      empty ??
      faultOfBundle(formation, entry) ??
      faultOf(state, formation, { entry, results, missing: missing.get(entry.entryId) })
    if (fault !== undefined) {
      verdict.changed = true
      if (verdict.rejected === undefined) verdict.rejected = { index, fault }
      else verdict.carried.push(index)
      continue
    }
    // After the first failure nothing is settled: a delivery may have failed because of it.
    if (verdict.rejected !== undefined) continue
    for (const { step, outcome } of results) {
      if (step.origin.type !== 'delivery' || outcome.status === 1) continue
      verdict.changed = true
      verdict.undeliverable.push(step.key)
    }
  }
  return verdict
}

/** Legs that the bundle goes without: they fail, and it may leave them out. */
function legsToSkip(formation: Formation, entry: Entry, results: readonly StepResult[]): number[] {
  if (entry.terms.legTerms === undefined) return []
  const gone = new Set(formation.skips.get(entry.entryId))
  const found: number[] = []
  for (const leg of entry.legs.keys()) {
    const { canSkip } = legTermsOf(entry, leg)
    if (!canSkip || gone.has(leg)) continue
    const failed =
      outcomeOf(results, leg)?.status === 0 ||
      mismatchOfLeg(formation, entry, leg) !== undefined ||
      missingBefore(entry, { leg, gone, results }) !== undefined
    if (!failed) continue
    gone.add(leg)
    found.push(leg)
  }
  return found
}

/** Earlier leg that a leg needs and that did not succeed. */
function missingBefore(
  entry: Entry,
  {
    leg,
    gone,
    results,
  }: { leg: number; gone: ReadonlySet<number>; results: readonly StepResult[] },
): number | undefined {
  return legTermsOf(entry, leg).after.find(
    (earlier) => gone.has(earlier) || outcomeOf(results, earlier)?.status !== 1,
  )
}

function outcomeOf(results: readonly StepResult[], leg: number): LegOutcome | undefined {
  return results.find(({ step }) => step.origin.type === 'entry' && step.origin.leg === leg)
    ?.outcome
}

/** A bundle of which nothing is left does not stand. */
function faultOfEmpty(
  formation: Formation,
  entry: Entry,
  left: readonly number[],
): Fault | undefined {
  const gone = formation.skips.get(entry.entryId)?.size ?? 0
  if (entry.terms.legTerms === undefined || gone + left.length < entry.legs.length) return undefined
  const chainId = entry.legs[0]?.chainId ?? 0
  const values = { leg: 0, chainId, reason: 'every leg was left out', output: '0x', gasUsed: '0' }
  return { error: 'LEG_FAILED', values }
}

function faultOf(
  state: CoreState,
  formation: Formation,
  found: {
    entry: Entry
    results: readonly StepResult[]
    missing: Message | undefined
  },
): Fault | undefined {
  const { entry, results, missing } = found
  const early = faultOfTerms(formation, found)
  if (early !== undefined) return early
  const failed = results
    .filter(({ outcome }) => outcome.status === 0)
    .filter(({ step }) => needed(state, entry, step))
    .toSorted((a, b) => legOf(a.step) - legOf(b.step))[0]
  if (failed !== undefined) {
    const { step, outcome } = failed
    const values = failureValues(outcome, step.call.gas)
    const what =
      step.origin.type === 'delivery' ? `delivery of its message: ${values['reason']}` : ''
    const reason = what === '' ? (values['reason'] as string) : what
    return {
      error: 'LEG_FAILED',
      values: { ...values, leg: legOf(step), chainId: step.chainId, reason },
    }
  }
  if (missing === undefined) return undefined
  if (entry.joint.length === 0 && entry.terms.requireDelivery === undefined) return undefined
  return {
    error: 'LEG_FAILED',
    values: {
      leg: 0,
      chainId: missing.destination,
      reason: `a message to ${missing.recipient} cannot be delivered in the slot`,
    },
  }
}

function needed(state: CoreState, entry: Entry, step: PlacedStep): boolean {
  const { origin } = step
  // In lane 1 what reverts had no business there.
  if (origin.type === 'entry') return entry.canRevert[origin.leg] !== true || isVoidable(entry)
  if (origin.type !== 'delivery') return false
  if (origin.depth === 1 && isRequired(entry, step)) return true
  if (entry.joint.length === 0) return false
  return isCredit(state, { destination: step.chainId, recipient: origin.recipient })
}

/** Says whether the messages of the leg behind a step were named as needed. */
function isRequired({ terms }: Entry, { origin }: PlacedStep): boolean {
  return origin.type !== 'open' && terms.requireDelivery?.includes(origin.leg) === true
}

function faultOfTerms(
  formation: Formation,
  { entry, results }: { entry: Entry; results: readonly StepResult[] },
): Fault | undefined {
  if (entry.terms.legTerms === undefined) return undefined
  const gone = formation.skips.get(entry.entryId) ?? new Set()
  for (const [leg, { chainId }] of entry.legs.entries()) {
    if (gone.has(leg)) continue
    const mismatch = mismatchOfLeg(formation, entry, leg)
    if (mismatch !== undefined) {
      return { error: 'CONDITION_FAILED', values: { leg, chainId, ...mismatch } }
    }
    const earlier = missingBefore(entry, { leg, gone, results })
    if (earlier === undefined) continue
    const reason = `leg ${earlier}, which it comes after, did not succeed`
    return { error: 'LEG_FAILED', values: { leg, chainId, reason, output: '0x', gasUsed: '0' } }
  }
  return undefined
}

function isCredit(state: CoreState, message: { destination: number; recipient: string }): boolean {
  return (
    chainOf(state.config, message.destination)?.credit.includes(message.recipient as Hash) === true
  )
}

function legOf(step: PlacedStep): number {
  return step.origin.type === 'open' ? -1 : step.origin.leg
}

/** Refusal of an entry whose leg makes a whole simulation impossible. */
export function faultOfInvalid(leg: number, reason: string): Fault {
  return { error: 'INVALID_TRANSACTION', values: { leg, reason } }
}

/**
 * Place of the first entry that a block's gas or the slot's bytes do not hold, or undefined.
 * A node takes a transaction when the gas used so far and its whole limit fit the block.
 */
export function cutPoint(formation: Formation): number | undefined {
  const places = new Map(formation.entries.map(({ entryId }, i) => [entryId, i]))
  let first = formation.entries.length
  for (const [chainId, list] of formation.lists) {
    const base = formation.bases.get(chainId)
    if (base === undefined) continue
    let used = base.gasUsed
    const placeOf = ({ origin }: PlacedStep) =>
      origin.type === 'open' ? first : (places.get(origin.entryId) ?? first)
    for (const [i, step] of list.entries()) {
      if (used + step.call.gas > base.env.gasLimit) {
        // Where the slot cannot even open, none of what would stand there fits.
        const over = step.origin.type === 'open' ? list : [step]
        first = Math.min(first, ...over.map(placeOf))
      }
      used += formation.results.get(chainId)?.[i]?.gasUsed ?? 0n
    }
  }
  let bytes = 0
  const byEntry = resultsByEntry(formation).entries
  for (const [i, entry] of formation.entries.entries()) {
    bytes += entry.bytes + (byEntry.get(entry.entryId) ?? []).reduce(resultBytes, 0)
    if (bytes > LIMITS.slotBytes) {
      first = Math.min(first, i)
      break
    }
  }
  return first < formation.entries.length ? first : undefined
}

const legOverheadBytes = 128

function resultBytes(sum: number, { step, outcome }: StepResult): number {
  const logs = outcome.logs.reduce(
    (bytes, log) => bytes + 32 + log.topics.length * 33 + log.data.length / 2,
    0,
  )
  const own = step.leg === undefined ? step.call.input.length / 2 : 0
  return sum + legOverheadBytes + own + logs
}
