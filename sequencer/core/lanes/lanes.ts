import { ENTRY_KIND, LANE, type BundleTerms, type Lane } from '../../../sdk/protocol/entry.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { chainOf, type CoreConfig } from '../config.ts'
import type { Entry } from '../entries/entry.ts'

/** What decides about the lane of a call: lower case. */
export type LaneContent = { chainId: number; to?: Address | undefined; input: Hex }

/**
 * Lane of an entry by what it does: the regular one as soon as one of its calls is regular, else the
 * one of its least urgent call. Nobody chooses a lane but a backrun, which comes last.
 */
export function laneOf(
  config: CoreConfig,
  calls: readonly LaneContent[],
  terms: Pick<BundleTerms, 'backrun'>,
): Lane {
  if (terms.backrun === true) return LANE.backrun
  let lane: Lane = calls.length === 0 ? LANE.regular : LANE.urgent
  for (const call of calls) {
    const own = laneOfCall(config, call)
    if (own > lane) lane = own
  }
  return lane
}

function laneOfCall(config: CoreConfig, { chainId, to, input }: LaneContent): Lane {
  const selector = input.slice(0, 10)
  const found = chainOf(config, chainId)?.laneCalls.find(
    (item) => item.to === to && item.selector === selector,
  )
  return found?.lane ?? LANE.regular
}

/** What an entry's place in its slot depends on. */
type Placed = Pick<Entry, 'lane' | 'kind' | 'risk' | 'sequence'>

/**
 * Order of a slot's entries: by lane; in a lane what was forced first, by its place in the inbox; in
 * lane 0 marks before what rests on them; then as they arrived. Negative when `a` comes first.
 */
export function compareEntries(a: Placed, b: Placed): number {
  if (a.lane !== b.lane) return a.lane - b.lane
  const forced = Number(b.kind === ENTRY_KIND.forced) - Number(a.kind === ENTRY_KIND.forced)
  if (forced !== 0) return forced
  const risk = Number(a.risk !== undefined) - Number(b.risk !== undefined)
  return risk === 0 ? a.sequence - b.sequence : risk
}

/** Puts an entry into a list that is in slot order. */
export function insertInOrder(list: Entry[], entry: Entry): void {
  let low = 0
  let high = list.length
  const last = list.at(-1)
  if (last === undefined || compareEntries(last, entry) < 0) low = high
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareEntries(list[middle] as Entry, entry) < 0) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, entry)
}

/** Entries of a lane that one slot takes. */
export function slotEntriesOf(lane: Lane): number {
  if (lane === LANE.urgent) return LIMITS.slotUrgentEntries
  if (lane === LANE.reduce) return LIMITS.slotReduceEntries
  return lane === LANE.backrun ? LIMITS.slotBackrunEntries : LIMITS.slotBundles
}

/** Gas that a lane may take of one block, in percent; lane 3 keeps what the others cannot take. */
export function gasPercentOf(lane: Lane): bigint {
  return BigInt(lane === LANE.urgent || lane === LANE.reduce ? LIMITS.laneGasPercent : 100)
}
