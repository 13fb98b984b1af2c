import { accountId } from '../../../sdk/protocol/ids.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { bundleEntry, faultOnArrival, type BundleInput } from './admission.ts'
import { accountKey, legTermsOf, userLegs, type Entry, type Fault } from '../entries/entry.ts'
import { hubOf } from '../config.ts'
import { answerOf, coinbaseKey, MARGIN_AFTER, MARGIN_BEFORE } from './conditions.ts'
import { advance, beginFormation, type Formation } from '../slots/formation.ts'
import type { Effect, Preview } from '../input.ts'
import { resultsByEntry, type StepResult } from '../slots/judge.ts'
import { costMax, effectiveGasPrice } from '../entries/leg.ts'
import { nextTimestampMs, type CoreState } from '../state.ts'

/** A bundle that is tried and never promised. */
export type PreviewRun = {
  entry: Entry
  formation: Formation | undefined
  restarts: number
  /** Results of the last complete simulation: a refusal takes the entry out of the layout. */
  last: Found
}

/** What a layout of the bundle did. */
type Found = Pick<Preview, 'outcomes' | 'deliveries' | 'margin'>

const nothing: Found = { outcomes: [], deliveries: 0, margin: undefined }

const restartsMax = 4

/** Tries a bundle as if it stood in the slot to come; nothing of the state changes. */
export function beginPreview(
  state: CoreState,
  { requestId, bundle }: { requestId: number; bundle: BundleInput },
): Effect[] {
  const entry = bundleEntry(state, bundle)
  if (state.previews.size >= LIMITS.previews) {
    const values = {
      queue: 'queue of previews',
      actual: state.previews.size,
      limit: LIMITS.previews,
    }
    return [previewed(state, requestId, { entry, fault: { error: 'OVERLOADED', values } })]
  }
  const fault = faultOnArrival(state, entry)
  if (fault !== undefined) return [previewed(state, requestId, { entry, fault })]
  state.previews.set(requestId, {
    entry,
    formation: undefined,
    restarts: 0,
    last: nothing,
  })
  const unknown = unknownAccounts(state, entry)
  return unknown.length > 0 ? unknown : resumePreviews(state)
}

/** Starts previews that wait for accounts or for a published head. */
export function resumePreviews(state: CoreState): Effect[] {
  const { phase, resumed } = state.superblock
  if (phase === 'sealing' || phase === 'publishing' || resumed.size > 0) return []
  const effects: Effect[] = []
  for (const [requestId, run] of state.previews) {
    if (run.formation !== undefined) continue
    if (unknownAccounts(state, run.entry).length > 0) continue
    run.restarts += 1
    const found = run.restarts > restartsMax ? faultOfHeads() : legsBeforeRun(state, run.entry)
    if (!Array.isArray(found)) {
      const fault = found
      effects.push(previewed(state, requestId, { entry: run.entry, fault }))
      continue
    }
    run.formation = beginFormation(state, {
      purpose: 'preview',
      entries: [run.entry],
      beats: new Set(),
      timestampMs: nextTimestampMs(state),
      skips: new Map([[run.entry.entryId, new Set<number>(found)]]),
      marginOf: hubOf(state.config) === undefined ? undefined : accountId(run.entry.sender),
    })
    effects.push(...finishPreview(state, requestId))
  }
  return effects
}

/** Takes a preview as far as it goes; answers when it has its verdict. */
export function finishPreview(state: CoreState, requestId: number): Effect[] {
  const run = state.previews.get(requestId)
  const formation = run?.formation
  if (run === undefined || formation === undefined) return []
  remember(run, formation)
  const { done, effects } = advance(state, formation)
  if (!done) return effects
  const broken = formation.broken
  const fault: Fault | undefined =
    broken === undefined ? formation.refused[0]?.fault : { error: 'CHAIN_STOPPED', values: broken }
  return [...effects, previewed(state, requestId, { entry: run.entry, fault, formation })]
}

/** Keeps the last complete results: a verdict removes the entry, and its outcomes with it. */
function remember(run: PreviewRun, formation: Formation): void {
  if (formation.waiting.size > 0 || formation.entries.length === 0) return
  const found = outcomesOf(run.entry, formation)
  if (found.outcomes.length > 0) run.last = found
}

function outcomesOf(entry: Entry, formation: Formation): Found {
  const results = resultsByEntry(formation).entries.get(entry.entryId) ?? []
  const legs = entry.legs.flatMap((_, leg) => {
    const found = results.find(
      ({ step }) => step.origin.type === 'entry' && step.origin.leg === leg,
    )
    if (found?.outcome === undefined) return []
    const blockNumber = formation.bases.get(found.step.chainId)?.env.number ?? 0
    const sentToCoinbase = sentOf(entry, formation, { leg, found })
    return [{ ...found.outcome, leg, blockNumber, sentToCoinbase }]
  })
  const deliveries = results.filter(({ step }) => step.origin.type === 'delivery').length
  return { outcomes: legs, deliveries, margin: marginOf(entry, formation) }
}

/** What a leg sent to the coinbase besides the tip on its gas, in wei. */
function sentOf(
  entry: Entry,
  formation: Formation,
  { leg, found }: { leg: number; found: StepResult },
): bigint {
  const before = answerOf(formation, entry, coinbaseKey(leg, 'before'))
  const after = answerOf(formation, entry, coinbaseKey(leg, 'after'))
  const base = formation.bases.get(found.step.chainId)?.env.baseFeePerGas ?? 0n
  if (before?.what !== 'balance' || after?.what !== 'balance') return 0n
  const tip = found.outcome.gasUsed * (effectiveGasPrice(found.step.call.fee, base) - base)
  return after.wei - before.wei - tip
}

function marginOf(entry: Entry, formation: Formation): Preview['margin'] {
  const account = entry.terms.margin?.account ?? formation.marginOf
  const before = answerOf(formation, entry, MARGIN_BEFORE)
  const after = answerOf(formation, entry, MARGIN_AFTER)
  if (account === undefined || before?.what !== 'margin' || after?.what !== 'margin')
    return undefined
  return { account, before18: before.initial18, after18: after.initial18 }
}

function previewed(
  state: CoreState,
  requestId: number,
  result: { entry: Entry; fault?: Fault | undefined; formation?: Formation | undefined },
): Effect {
  const run = state.previews.get(requestId)
  state.previews.delete(requestId)
  const { entry, fault, formation } = result
  const found =
    formation !== undefined && formation.entries.length > 0
      ? outcomesOf(entry, formation)
      : (run?.last ?? nothing)
  const preview = { entryId: entry.entryId, height: state.height + 1, ...found, fault }
  return { type: 'previewed', requestId, preview }
}

function unknownAccounts(state: CoreState, entry: Entry): Effect[] {
  const legs = userLegs(entry).filter(
    (leg) => !state.accounts.has(accountKey(leg.chainId, leg.from)),
  )
  const chainIds = new Set(legs.map(({ chainId }) => chainId))
  return [...chainIds].map((chainId) => ({
    type: 'readAccounts',
    chainId,
    addresses: [...new Set(legs.filter((leg) => leg.chainId === chainId).map(({ from }) => from))],
  }))
}

function faultOfHeads(): Fault {
  return { error: 'NOT_READY', values: { reason: 'the heads move faster than the preview' } }
}

/** What the simulation does not check, nonces and funds: a fault, or the legs that are left out. */
function legsBeforeRun(state: CoreState, entry: Entry): Fault | number[] {
  const next = new Map<string, number>()
  const skip: number[] = []
  for (const [i, { chainId, from, nonce }] of userLegs(entry).entries()) {
    const key = accountKey(chainId, from)
    const expected = next.get(key) ?? state.accounts.get(key)?.nonce ?? 0
    if (nonce !== expected && legTermsOf(entry, i).canSkip) {
      skip.push(i)
      continue
    }
    const values = { nonce, sender: from, chainId, expected }
    if (nonce < expected) return { error: 'NONCE_TOO_LOW', values }
    if (nonce > expected) return { error: 'NONCE_GAP', values }
    next.set(key, nonce + 1)
  }
  const costs = new Map<string, bigint>()
  for (const leg of userLegs(entry)) {
    const key = accountKey(leg.chainId, leg.from)
    const cost = (costs.get(key) ?? 0n) + costMax(leg)
    costs.set(key, cost)
    const balance = state.accounts.get(key)?.balanceMin ?? 0n
    if (cost <= balance) continue
    const { chainId, from: sender } = leg
    const values = { sender, balance: balance.toString(), chainId, cost: cost.toString() }
    return { error: 'INSUFFICIENT_FUNDS', values }
  }
  return skip
}
