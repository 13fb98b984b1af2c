import { assert } from '../../sdk/protocol/assert.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import { learnAccount } from './entries/accounts.ts'
import { bundleEntry, marksEntry, transactionEntry } from './bundles/admission.ts'
import { completeSlot } from './slots/complete.ts'
import { accountKey, userLegs, type AccountKey } from './entries/entry.ts'
import { takeSettlement } from './bundles/forced.ts'
import { advance, beginFormation, takeSimulation, type Formation } from './slots/formation.ts'
import type { CoreInput, Effect } from './input.ts'
import {
  abandonFormation,
  cancel,
  giveBack,
  isPending,
  readOrReady,
  submit,
  wake,
} from './bundles/pool.ts'
import { beginPreview, finishPreview, resumePreviews } from './bundles/preview.ts'
import { takeLiquidation, takeRisk } from './risk/risk.ts'
import { selectCandidates } from './lanes/select.ts'
import { hasNotes, nextTimestampMs, type CoreState } from './state.ts'
import { closeIfDue, takePublished, takeSealed } from './superblocks/close.ts'
import { resumeChain, stopChain } from './superblocks/stop.ts'

/**
 * Takes one input: changes the state in place and gives what is to be done. The same state and the
 * same inputs give the same effects.
 */
export function step(state: CoreState, input: CoreInput): Effect[] {
  state.nowMs = input.nowMs
  state.elapsedMs = input.elapsedMs
  const effects = take(state, input)
  effects.push(...startIfDue(state), ...closeIfDue(state))
  return effects
}

function take(state: CoreState, input: CoreInput): Effect[] {
  switch (input.type) {
    case 'transaction':
      return submit(state, transactionEntry(state, input.leg), input.requestId)
    case 'bundle':
      return submit(state, bundleEntry(state, input.bundle), input.requestId)
    case 'marks':
      return submit(state, marksEntry(state, input.marks), input.requestId)
    case 'risk':
      return takeRisk(state, input)
    case 'liquidation':
      return takeLiquidation(state, input)
    case 'preview':
      return beginPreview(state, input)
    case 'cancel':
      return cancel(state, input)
    case 'tick':
      return []
    case 'accounts':
      return takeAccounts(state, input)
    case 'simulated':
      return takeSimulated(state, input)
    case 'durable':
      assert(input.height <= state.height, 'what is durable was formed')
      state.durableHeight = Math.max(state.durableHeight, input.height)
      return []
    case 'sealed':
      return takeSealed(state, input)
    case 'l1':
      return takeSettlement(state, input)
    case 'published':
      return [...takePublished(state, input), ...resumePreviews(state)]
    case 'resume':
      return resumeChain(state, input)
  }
}

function takeAccounts(
  state: CoreState,
  { chainId, head, facts }: Extract<CoreInput, { type: 'accounts' }>,
): Effect[] {
  const keys = new Set<AccountKey>()
  const old = head.number < (state.heads.get(chainId)?.number ?? 0)
  const again: Address[] = []
  for (const fact of facts) {
    const key = accountKey(chainId, fact.address)
    // What was forgotten meanwhile may have sent something since that head.
    if (old && !state.accounts.has(key)) {
      again.push(fact.address)
      continue
    }
    learnAccount(state.accounts, key, fact, head.number)
    keys.add(key)
  }
  const waiting = [...state.reading.values()].filter((entry) =>
    userLegs(entry).every((leg) => state.accounts.has(accountKey(leg.chainId, leg.from))),
  )
  const effects = waiting.flatMap((entry) => readOrReady(state, entry))
  if (again.length > 0) effects.push({ type: 'readAccounts', chainId, addresses: again })
  wake(state, { keys })
  return [...effects, ...resumePreviews(state)]
}

function takeSimulated(
  state: CoreState,
  input: Extract<CoreInput, { type: 'simulated' }>,
): Effect[] {
  const { formation } = state
  if (formation !== undefined) {
    const taken = takeSimulation(formation, input)
    assert(taken !== 'stale', 'no block is mined while a slot is formed')
    if (taken === 'taken') return proceed(state, formation)
  }
  for (const [requestId, preview] of state.previews) {
    if (preview.formation === undefined) continue
    const taken = takeSimulation(preview.formation, input)
    if (taken === 'unknown') continue
    if (taken === 'stale') {
      preview.formation = undefined
      return resumePreviews(state)
    }
    return finishPreview(state, requestId)
  }
  return []
}

/** Forms the next slot when there is something to put into it and its turn has come. */
function startIfDue(state: CoreState): Effect[] {
  const { superblock, config, elapsedMs } = state
  if (state.formation !== undefined) return []
  if (superblock.phase !== 'none' && superblock.phase !== 'open') return []
  // A block that was withheld is made before anything else touches its chain.
  if (superblock.resumed.size > 0) return []
  if (state.height - state.durableHeight >= LIMITS.undurableSlots) return []
  if (superblock.phase === 'open' && elapsedMs - superblock.openedAtMs >= config.superblockMs)
    return []
  const beats = chainsDue(state)
  const noted = hasNotes(state)
  if (state.ready.length === 0 && beats.size === 0 && !noted) return []
  const { slotAtMs } = state
  if (slotAtMs !== undefined && elapsedMs - slotAtMs < config.slotIntervalMs) return []
  const { entries, effects, skips, voided } = selectCandidates(state)
  if (entries.length === 0 && beats.size === 0 && !noted) return effects
  const timestampMs = nextTimestampMs(state)
  const plan = { purpose: 'slot' as const, entries, beats, timestampMs, skips, voided }
  const formation = beginFormation(state, plan)
  state.formation = formation
  return [...effects, ...proceed(state, formation)]
}

/** Rollups that had no block for a heartbeat. */
export function chainsDue(state: CoreState): Set<number> {
  const due = state.config.chains.filter(({ chainId }) => {
    if (state.stopped.has(chainId) || state.superblock.blocks.has(chainId)) return false
    const touchedAtMs = state.touchedAtMs.get(chainId)
    return touchedAtMs === undefined || state.elapsedMs - touchedAtMs >= state.config.heartbeatMs
  })
  return new Set(due.map(({ chainId }) => chainId))
}

function proceed(state: CoreState, formation: Formation): Effect[] {
  const { done, effects } = advance(state, formation)
  if (!done) return effects
  const { broken } = formation
  if (broken !== undefined) {
    abandonFormation(state)
    return [...effects, ...stopChain(state, broken)]
  }
  // A voided entry touches no chain and stands in the log all the same.
  const { entries, lists, refused } = formation
  const nothing = entries.length === 0 && lists.size === 0 && refused.length === 0
  if (nothing && !hasNotes(state)) {
    state.formation = undefined
    giveBack(
      state,
      formation.carried.filter((entry) => isPending(state, entry)),
    )
    return effects
  }
  return [...effects, ...completeSlot(state, formation)]
}

/**
 * Time at which the core wants the next input even if nothing happens, in elapsed milliseconds;
 * undefined while it waits for something else.
 */
export function nextWakeMs(state: CoreState): number | undefined {
  const { superblock, config, elapsedMs, slotAtMs } = state
  if (state.formation !== undefined) return undefined
  if (superblock.phase === 'sealing' || superblock.phase === 'publishing') return undefined
  const times: number[] = []
  if (state.ready.length > 0 || hasNotes(state)) times.push((slotAtMs ?? 0) + config.slotIntervalMs)
  if (superblock.phase === 'open' && state.durableHeight === state.height) {
    times.push(superblock.openedAtMs + config.superblockMs)
    if (state.ready.length === 0) times.push(state.busyAtMs + config.idleCloseMs)
  }
  for (const { chainId } of config.chains) {
    if (state.stopped.has(chainId) || superblock.blocks.has(chainId)) continue
    const touchedAtMs = state.touchedAtMs.get(chainId)
    times.push(touchedAtMs === undefined ? elapsedMs : touchedAtMs + config.heartbeatMs)
  }
  return times.length === 0 ? undefined : Math.min(...times)
}
