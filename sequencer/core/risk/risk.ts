import {
  ENTRY_KIND,
  LANE,
  liquidationEntryId,
  riskEntryId,
  type LiquidationStart,
  type RiskVersion,
} from '../../../sdk/protocol/entry.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { hubOf } from '../config.ts'
import type { Entry, Fault } from '../entries/entry.ts'
import type { Effect } from '../input.ts'
import { addPending, readOrReady, refuseEntry } from '../bundles/pool.ts'
import type { CoreState } from '../state.ts'
import { liquidationGas, systemCall } from '../slots/system-calls.ts'

/** A call or the start of a sale: `calldata` is `LiquidationAuction.<step>(…)` with an attestation. */
export type LiquidationInput = {
  account: AccountId
  step: LiquidationStart
  /** What the attested margin rests on. */
  risk: RiskVersion
  calldata: Hex
  /** Last slot in which the attestation holds. */
  validUntilSlot: number
}

/** Says whether a version comes after another: neither number goes back, and one of them grows. */
export function isNewer(risk: RiskVersion, than: RiskVersion): boolean {
  const { marksSeq, paramsVersion } = risk
  if (marksSeq < than.marksSeq || paramsVersion < than.paramsVersion) return false
  return marksSeq > than.marksSeq || paramsVersion > than.paramsVersion
}

/** Says that a version is not newer than the one in force, if so. */
export function faultOfRisk({ risk: current }: CoreState, risk: RiskVersion): Fault | undefined {
  return isNewer(risk, current) ? undefined : staleRisk(risk, current)
}

function staleRisk(risk: RiskVersion, newest: RiskVersion): Fault {
  const text = ({ marksSeq, paramsVersion }: RiskVersion) => `${marksSeq}/${paramsVersion}`
  const values = { sequence: text(risk), what: 'the risk version', current: text(newest) }
  return { error: 'STALE_SEQUENCE', values }
}

/**
 * Takes a version on which every account's margin rests outside the core: it takes effect with its
 * entry. A version that waits gives way to a newer one; one of marks that no slot holds is refused.
 */
export function takeRisk(
  state: CoreState,
  { requestId, risk }: { requestId: number; risk: RiskVersion },
): Effect[] {
  const entryId = riskEntryId(state.config.logId, risk)
  const refuse = (fault: Fault): Effect => ({
    type: 'refuse',
    entryId,
    waiters: [requestId],
    fault,
  })
  if (risk.marksSeq > state.marksSeq) {
    const rule = `a risk version names one of the log’s ${state.marksSeq} marks`
    return [refuse({ error: 'INVALID_REQUEST', values: { rule, path: `${risk.marksSeq}` } })]
  }
  const waits = waiting(state, (entry) => entry.risk !== undefined)
  const newest = waits.at(-1)?.risk ?? state.risk
  if (!isNewer(risk, newest)) return [refuse(staleRisk(risk, newest))]
  const effects = waits
    .filter((entry) => state.formation?.entries.includes(entry) !== true)
    .map((entry) =>
      refuseEntry(state, entry, { error: 'REPLACED', values: { bundleHash: entryId } }),
    )
  const entry: Entry = {
    ...ownEntry(state, requestId),
    entryId,
    lane: LANE.system,
    legs: [],
    canRevert: [],
    bytes: 0,
    deadlineSlot: state.height + LIMITS.defaultSlots,
    risk,
  }
  return [...effects, ...addOwn(state, entry)]
}

/**
 * Puts the call of an account, or the start of its sale, into lane 1: once per version, and not while
 * one waits. The contract judges it where it stands, like everybody's.
 */
export function takeLiquidation(
  state: CoreState,
  { requestId, start }: { requestId: number; start: LiquidationInput },
): Effect[] {
  const { config, memory } = state
  const entryId = liquidationEntryId(config.logId, start)
  const known = memory.sequenced.get(entryId)
  if (known !== undefined) return [{ type: 'known', requestId, entryId, height: known.height }]
  const hub = hubOf(config)
  const fault = faultOfStart(state, start)
  if (fault !== undefined || hub?.liquidationAuction === undefined) {
    const { account } = start
    const reason = 'no auction is sequenced here'
    const missing: Fault = { error: 'MARGIN_UNAVAILABLE', values: { account, reason } }
    return [{ type: 'refuse', entryId, waiters: [requestId], fault: fault ?? missing }]
  }
  const input = start.calldata
  const to = hub.liquidationAuction
  const call = systemCall(hub, { system: config.system, to, input, gas: liquidationGas })
  return addOwn(state, {
    ...ownEntry(state, requestId),
    entryId,
    lane: LANE.urgent,
    legs: [{ type: 'system', chainId: hub.chainId, call }],
    canRevert: [false],
    bytes: input.length / 2,
    deadlineSlot: Math.min(start.validUntilSlot, state.height + LIMITS.defaultSlots),
    liquidates: start.account,
  })
}

function faultOfStart(state: CoreState, { account }: LiquidationInput): Fault | undefined {
  const { config, stopped, pendingByLane } = state
  const chainId = hubOf(config)?.chainId ?? 0
  const stop = stopped.get(chainId)
  if (stop !== undefined) return { error: 'CHAIN_STOPPED', values: { chainId, reason: stop } }
  const actual = pendingByLane[LANE.urgent] ?? 0
  if (actual >= LIMITS.laneEntries) {
    const values = { queue: `lane ${LANE.urgent}`, actual, limit: LIMITS.laneEntries }
    return { error: 'OVERLOADED', values }
  }
  const [other] = waiting(state, ({ liquidates }) => liquidates === account)
  return other && { error: 'REPLACED', values: { bundleHash: other.entryId } }
}

/** The sequencer's own entries that wait, oldest first. */
function waiting(state: CoreState, which: (entry: Entry) => boolean): Entry[] {
  return [...state.pending.values()].filter(
    (entry) => entry.kind === ENTRY_KIND.system && which(entry),
  )
}

function ownEntry(state: CoreState, requestId: number) {
  return {
    kind: ENTRY_KIND.system,
    sequence: state.nextSequence++,
    terms: {},
    firstSlot: 0,
    sender: state.config.system,
    owner: state.config.system,
    joint: [],
    waiters: [requestId],
  }
}

function addOwn(state: CoreState, entry: Entry): Effect[] {
  addPending(state, entry)
  return readOrReady(state, entry)
}
