import { assert } from '../../../sdk/protocol/assert.ts'
import { ENTRY_KIND, forcedEntryId } from '../../../sdk/protocol/entry.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { chainOf } from '../config.ts'
import type { Entry } from '../entries/entry.ts'
import { laneOf, type LaneContent } from '../lanes/lanes.ts'
import { addPending, readOrReady } from './pool.ts'
import type { CoreInput, Effect } from '../input.ts'
import type { CoreState } from '../state.ts'
import { systemCall } from '../slots/system-calls.ts'

/** One leg of a forced bundle: intents of one chain, as a call of the chain's `BundleExecutor`. */
export type ForcedLeg = {
  chainId: number
  /** Calldata for the executor. */
  input: Hex
  /** Gas of the call. */
  gas: bigint
  /** What the intents call: it decides about the lane. */
  calls: readonly LaneContent[]
}

/** A bundle that somebody put into the settlement chain's inbox. */
export type ForcedInput = {
  /** Place in the inbox, from 0. */
  index: number
  /** What the inbox names it by. */
  contentHash: Hash
  /** Settlement block that holds it. */
  l1Block: number
  /** In execution order. A bundle that cannot be read has none: it is voided. */
  legs: readonly ForcedLeg[]
}

/** Takes news of the settlement chain; what leaves a gap in the inbox is not taken yet. */
export function takeSettlement(
  state: CoreState,
  { origin, forced = [] }: Extract<CoreInput, { type: 'l1' }>,
): Effect[] {
  const effects: Effect[] = []
  let whole = true
  for (const input of forced) {
    if (input.index < state.forcedNext) continue
    whole = input.index === state.forcedNext && forcedWaiting(state) < LIMITS.forcedEntries
    if (!whole) break
    state.forcedNext += 1
    const entry = forcedEntry(state, input)
    addPending(state, entry)
    effects.push(...readOrReady(state, entry))
  }
  // A head whose inbox is not known whole yet would pass over what it holds.
  // Monotone (I17): what an earlier process named stays, whatever a node says now.
  if (whole && origin.number > state.l1Head.number) state.l1Head = origin
  return effects
}

function forcedWaiting({ forcedNext, forcedCursor }: CoreState): number {
  return forcedNext - forcedCursor
}

/** Makes an entry of what stands in the inbox. */
export function forcedEntry(state: CoreState, input: ForcedInput): Entry {
  const { config } = state
  const { index, contentHash, l1Block } = input
  const legs = input.legs.flatMap(({ chainId, input: calldata, gas }) => {
    const chain = chainOf(config, chainId)
    const to = chain?.bundleExecutor
    if (chain === undefined || to === undefined) return []
    const call = systemCall(chain, { system: config.system, to, input: calldata, gas })
    return [{ type: 'system', chainId, call } as const]
  })
  const readable = legs.length === input.legs.length && legs.length <= LIMITS.bundleLegs
  const kept = readable ? legs : []
  return {
    entryId: forcedEntryId(config.logId, input),
    kind: ENTRY_KIND.forced,
    lane: laneOf(
      config,
      input.legs.flatMap(({ calls }) => calls),
      {},
    ),
    sequence: state.nextSequence++,
    legs: kept,
    canRevert: kept.map(() => false),
    terms: {},
    bytes: kept.reduce((sum, { call }) => sum + call.input.length / 2, 0),
    firstSlot: 0,
    deadlineSlot: state.height + LIMITS.bundleHorizonSlots,
    sender: config.system,
    owner: config.system,
    joint: [],
    forced: { index, contentHash, l1Block },
    waiters: [],
  }
}

/**
 * Settlement block that the next slot takes notice of: the last one, but none at which something
 * forced would be overdue (I11).
 */
export function takeOrigin(state: CoreState): CoreState['l1Origin'] {
  const { forcedCursor, forcedNext, config, l1Head, l1Origin } = state
  if (forcedCursor < forcedNext) {
    const oldest = [...state.pending.values()].find(({ forced }) => forced?.index === forcedCursor)
    assert(oldest?.forced !== undefined, 'what was forced and does not stand yet waits')
    if (l1Head.number >= oldest.forced.l1Block + config.forcedWithinBlocks) return l1Origin
  }
  state.l1Origin = l1Head
  return l1Head
}
