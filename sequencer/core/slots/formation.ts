import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Voided } from '../../../sdk/protocol/entry.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import { probesFor, type PlacedProbe } from '../bundles/conditions.ts'
import { hubOf, type CoreConfig } from '../config.ts'
import { isVoidable, type AccountKey, type Entry, type Fault } from '../entries/entry.ts'
import type { BlockEnv, LegOutcome, Probe, ProbeAnswer, Simulation } from '../entries/execution.ts'
import { cutPoint, faultOfInvalid, judge, placementsOf, samePlacements } from './judge.ts'
import type { Call } from '../entries/leg.ts'
import { voidedBy } from '../entries/reason.ts'
import { noncesAfter } from '../entries/nonces.ts'
import { layOut, listsByChain, sameList, type PlacedStep, type Placements } from './program.ts'
import type { CoreState } from '../state.ts'
import { blockEnv } from '../superblocks/superblock.ts'

/** Legs that are left out, by entry. */
export type Skips = ReadonlyMap<Hash, ReadonlySet<number>>

/** What a chain's part of a slot rests on: the block's environment and what it holds already. */
export type Base = { env: BlockEnv; calls: readonly Call[]; gasUsed: bigint }

/** A slot on its way from candidates to verdicts; also a preview, which changes nothing. */
export type Formation = {
  ticket: number
  purpose: 'slot' | 'preview'
  height: number
  timestampMs: number
  bases: Map<number, Base>
  systemNonces: ReadonlyMap<number, number>
  entries: Entry[]
  /** Whole entries that move to the next slot. */
  carried: Entry[]
  refused: { entry: Entry; fault: Fault }[]
  placements: Placements
  /** Keys of deliveries that are left to the relayer. */
  undeliverable: Set<string>
  /** Legs that are left out, by entry. */
  skips: Map<Hash, Set<number>>
  /** Entries that stay without effect. */
  voided: Map<Hash, Voided>
  /** Account whose margin a preview shows. */
  marginOf: AccountId | undefined
  probes: Map<number, readonly PlacedProbe[]>
  /** Answers to the probes, by chain. */
  answers: Map<number, readonly ProbeAnswer[]>
  beats: Set<number>
  /** The lists are those of the entries, placements and skips as they are now. */
  laidOut: boolean
  lists: Map<number, PlacedStep[]>
  results: Map<number, readonly LegOutcome[]>
  /** Ticket of the simulation that a chain waits for. */
  waiting: Map<number, number>
  rounds: number
  /** A chain whose own system leg fails: it must stop. */
  broken: { chainId: number; reason: string } | undefined
}

/** A request to run calls on a chain; the answer carries the ticket. */
export type SimulateEffect = {
  type: 'simulate'
  ticket: number
  chainId: number
  env: BlockEnv
  calls: readonly Call[]
  probes: readonly Probe[]
}

/** Starts to form a slot from candidates in their final order. */
export function beginFormation(
  state: CoreState,
  options: {
    purpose: Formation['purpose']
    entries: Entry[]
    beats: Set<number>
    timestampMs: number
    skips?: Map<Hash, Set<number>> | undefined
    voided?: Map<Hash, Voided> | undefined
    marginOf?: AccountId | undefined
  },
): Formation {
  const { superblock, config } = state
  const openedMs = superblock.phase === 'open' ? superblock.openedMs : options.timestampMs
  const bases = new Map<number, Base>()
  for (const { chainId } of config.chains) {
    const open = superblock.blocks.get(chainId)
    const head = state.heads.get(chainId)
    if (open !== undefined) bases.set(chainId, open)
    else if (head !== undefined) {
      const env = blockEnv(config, chainId, { head, openedMs })
      bases.set(chainId, { env, calls: [], gasUsed: 0n })
    }
  }
  return {
    ticket: state.nextTicket++,
    purpose: options.purpose,
    height: state.height + 1,
    timestampMs: options.timestampMs,
    bases,
    systemNonces: new Map(state.systemNonces),
    entries: options.entries,
    carried: [],
    refused: [],
    placements: new Map(),
    undeliverable: new Set(),
    skips: options.skips ?? new Map(),
    voided: options.voided ?? new Map(),
    marginOf: options.marginOf,
    probes: new Map(),
    answers: new Map(),
    beats: withHub(config, options),
    laidOut: false,
    lists: new Map(),
    results: new Map(),
    waiting: new Map(),
    rounds: 0,
    broken: undefined,
  }
}

/** A margin is looked at on the hub: a slot whose entries ask for one touches it. */
function withHub(
  config: CoreConfig,
  options: { entries: readonly Entry[]; beats: Set<number>; marginOf?: AccountId | undefined },
): Set<number> {
  const hub = hubOf(config)
  const asked = options.entries.some(({ terms }) => terms.margin !== undefined)
  if (hub === undefined || (!asked && options.marginOf === undefined)) return options.beats
  return new Set([...options.beats, hub.chainId])
}

/** Whether a formation has its verdicts. */
export type Progress = { done: boolean; effects: SimulateEffect[] }

/**
 * Takes the formation as far as it goes without a simulation: lays the slot out, and judges once
 * every touched chain answered. Messages are placed first, failures judged after.
 */
export function advance(state: CoreState, formation: Formation): Progress {
  const effects: SimulateEffect[] = []
  if (!formation.laidOut) layOutAgain(state, formation, effects)
  // Each pass places messages, drops something or ends: the cut below bounds the passes.
  while (formation.waiting.size === 0 && formation.broken === undefined) {
    if (!settle(state, formation)) return { done: true, effects }
    layOutAgain(state, formation, effects)
  }
  return { done: formation.broken !== undefined, effects }
}

/**
 * Takes a simulation's answer.
 *
 * @returns False when nobody waits for it, or when it is stale and the formation must begin anew.
 */
export function takeSimulation(
  formation: Formation,
  answer: { ticket: number; chainId: number; simulation: Simulation },
): 'taken' | 'unknown' | 'stale' {
  const { chainId, simulation, ticket } = answer
  if (formation.waiting.get(chainId) !== ticket) return 'unknown'
  formation.waiting.delete(chainId)
  if (simulation.kind === 'stale') return 'stale'
  const prefix = formation.bases.get(chainId)?.calls.length ?? 0
  const list = formation.lists.get(chainId) ?? []
  if (simulation.kind === 'outcomes') {
    assert(simulation.outcomes.length === prefix + list.length, 'one outcome per simulated call')
    formation.results.set(chainId, simulation.outcomes.slice(prefix))
    formation.answers.set(chainId, simulation.answers)
    return 'taken'
  }
  refuseInvalid(formation, { chainId, step: list[simulation.index - prefix], simulation })
  formation.laidOut = false
  return 'taken'
}

function refuseInvalid(
  formation: Formation,
  failed: {
    chainId: number
    step: PlacedStep | undefined
    simulation: Extract<Simulation, { kind: 'invalid' }>
  },
): void {
  const { chainId, step, simulation } = failed
  if (step === undefined || step.origin.type === 'open') {
    formation.broken = { chainId, reason: `its system leg is impossible: ${simulation.reason}` }
    return
  }
  if (step.origin.type === 'delivery') {
    formation.undeliverable.add(step.key)
    formation.placements = withoutKeys(formation, [step.key])
    return
  }
  const { entryId, leg } = step.origin
  const entry = formation.entries.find((candidate) => candidate.entryId === entryId)
  if (entry === undefined) return
  refuse(formation, entry, faultOfInvalid(leg, simulation.reason))
}

function deliverySuffix(message: {
  destination: number
  recipient: string
  ordinal: number
}): string {
  return `/${message.destination}:${message.recipient}:${message.ordinal}`
}

/** Judges a fully simulated layout. Returns false when nothing is left to change. */
function settle(state: CoreState, formation: Formation): boolean {
  const found = placementsOf(state, formation)
  if (!samePlacements(found.placements, formation.placements)) {
    formation.rounds += 1
    const first = firstChanged(formation, found.placements)
    formation.placements = found.placements
    if (formation.rounds > LIMITS.slotRounds) cutAt(formation, first)
    return true
  }
  const full = cutPoint(formation)
  if (full !== undefined) {
    cutAt(formation, full)
    return true
  }
  const verdict = judge(state, formation, found.missing)
  if (verdict.broken !== undefined) {
    formation.broken = verdict.broken
    return true
  }
  if (!verdict.changed) return false
  formation.rounds += 1
  for (const key of verdict.undeliverable) formation.undeliverable.add(key)
  for (const { entryId, leg } of verdict.skips) skip(formation, entryId, leg)
  formation.placements = withoutKeys(formation, verdict.undeliverable)
  if (verdict.rejected !== undefined) {
    const { index, fault } = verdict.rejected
    const entry = formation.entries[index] as Entry
    const carried = new Set(verdict.carried)
    formation.carried.push(...formation.entries.filter((_, i) => carried.has(i)))
    formation.entries = formation.entries.filter((_, i) => i === index || !carried.has(i))
    refuse(formation, entry, fault)
    if (formation.rounds > LIMITS.slotRounds) cutAt(formation, index)
  }
  return true
}

function skip({ skips }: Formation, entryId: Hash, leg: number): void {
  const known = skips.get(entryId)
  if (known === undefined) skips.set(entryId, new Set([leg]))
  else known.add(leg)
}

function withoutKeys(formation: Formation, keys: readonly string[]): Placements {
  if (keys.length === 0) return formation.placements
  const gone = new Set(keys)
  return new Map(
    [...formation.placements].map(([parent, messages]) => [
      parent,
      messages.filter((message) => !gone.has(parent + deliverySuffix(message))),
    ]),
  )
}

/** Takes an entry out; one that the log must hold stays without effect. */
function refuse(formation: Formation, entry: Entry, fault: Fault): void {
  if (isVoidable(entry) && formation.purpose === 'slot') {
    formation.voided.set(entry.entryId, voidedBy(fault))
    return
  }
  formation.refused.push({ entry, fault })
  formation.entries = formation.entries.filter((other) => other !== entry)
}

/** Moves the entries from `index` on to the next slot; one that does not settle alone is refused. */
function cutAt(formation: Formation, index: number): void {
  formation.rounds = 0
  const [first] = formation.entries
  if (index === 0 && formation.entries.length === 1 && first !== undefined) {
    const values = { what: 'slot with this entry alone', actual: 'no room', limit: 'one slot' }
    refuse(formation, first, { error: 'TOO_LARGE', values })
    return
  }
  const kept = Math.max(index, 1)
  formation.carried.push(...formation.entries.slice(kept))
  formation.entries = formation.entries.slice(0, kept)
}

/** What was forced stands in the inbox's order: behind one that is carried all are. */
function carryForced(formation: Formation): void {
  const carried = formation.carried.flatMap(({ forced }) => (forced ? [forced.index] : []))
  if (carried.length === 0) return
  const first = carried.reduce((a, b) => (a < b ? a : b))
  const behind = ({ forced }: Entry) => forced !== undefined && forced.index > first
  formation.carried.push(...formation.entries.filter(behind))
  formation.entries = formation.entries.filter((entry) => !behind(entry))
}

function firstChanged(formation: Formation, next: Placements): number {
  const changed = formation.entries.findIndex(({ entryId }) => {
    const of = (placements: Placements) =>
      new Map([...placements].filter(([parent]) => parent.startsWith(entryId)))
    return !samePlacements(of(formation.placements), of(next))
  })
  return Math.max(changed, 0)
}

function layOutAgain(state: CoreState, formation: Formation, effects: SimulateEffect[]): void {
  if (formation.waiting.size > 0 || formation.broken !== undefined) return
  dropUnfit(state, formation)
  carryForced(formation)
  const program = layOut({ config: state.config, ...formation })
  const lists = listsByChain(program, formation.systemNonces)
  for (const chainId of formation.lists.keys()) {
    if (lists.has(chainId)) continue
    formation.results.delete(chainId)
    formation.probes.delete(chainId)
  }
  for (const [chainId, list] of lists) {
    const base = formation.bases.get(chainId)
    assert(base !== undefined, 'every touched chain has a head')
    const place = { chainId, list, prefix: base.calls.length }
    const probes = probesFor(state.config, formation, place)
    const before = formation.lists.get(chainId)
    const known = before !== undefined && formation.results.has(chainId) && sameList(before, list)
    if (known && sameProbes(formation.probes.get(chainId) ?? [], probes)) continue
    formation.results.delete(chainId)
    formation.probes.set(chainId, probes)
    formation.answers.delete(chainId)
    const ticket = state.nextTicket++
    formation.waiting.set(chainId, ticket)
    const calls = [...base.calls, ...list.map(({ call }) => call)]
    const asked = probes.map(({ probe }) => probe)
    effects.push({ type: 'simulate', ticket, chainId, env: base.env, calls, probes: asked })
  }
  formation.lists = lists
  formation.laidOut = true
}

/** Carries entries whose nonces do not follow any more because an earlier entry fell out. */
function dropUnfit(state: CoreState, formation: Formation): void {
  const next = new Map<AccountKey, number>()
  const fit: Entry[] = []
  for (const entry of formation.entries) {
    if (formation.voided.has(entry.entryId)) {
      fit.push(entry)
      continue
    }
    const after = noncesAfter(state, entry, { next, skips: formation.skips })
    if (after === 'carry') {
      formation.carried.push(entry)
      continue
    }
    if ('error' in after) {
      refuse(formation, entry, after)
      if (formation.voided.has(entry.entryId)) fit.push(entry)
      continue
    }
    for (const [key, nonce] of after) next.set(key, nonce)
    fit.push(entry)
  }
  formation.entries = fit
}

function sameProbes(a: readonly PlacedProbe[], b: readonly PlacedProbe[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ entryId, key, probe }, i) => {
      const other = b[i]
      return other?.entryId === entryId && other.key === key && other.probe.after === probe.after
    })
  )
}
