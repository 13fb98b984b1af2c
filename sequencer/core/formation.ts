import { LIMITS } from '../../sdk/protocol/limits.ts'
import { assert } from '../../sdk/protocol/assert.ts'
import { accountKey, userLegs, type AccountKey, type Entry, type Fault } from './entry.ts'
import type { BlockEnv, LegOutcome, Simulation } from './execution.ts'
import { cutPoint, faultOfInvalid, judge, placementsOf, samePlacements } from './judge.ts'
import type { Call } from './leg.ts'
import { layOut, listsByChain, sameList, type PlacedStep, type Placements } from './program.ts'
import type { CoreState } from './state.ts'
import { blockEnv } from './superblock.ts'

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
  beats: Set<number>
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
}

/** Starts to form a slot from candidates in their final order. */
export function beginFormation(
  state: CoreState,
  options: {
    purpose: Formation['purpose']
    entries: Entry[]
    beats: Set<number>
    timestampMs: number
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
    beats: options.beats,
    lists: new Map(),
    results: new Map(),
    waiting: new Map(),
    rounds: 0,
    broken: undefined,
  }
}

/** Whether a formation has its verdicts. */
export type Progress = { done: boolean; effects: SimulateEffect[] }

/**
 * Takes the formation as far as it goes without a simulation: lays the slot out, and judges once
 * every touched chain answered. Messages are placed first, failures judged after.
 */
export function advance(state: CoreState, formation: Formation): Progress {
  const effects: SimulateEffect[] = []
  layOutAgain(state, formation, effects)
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
    return 'taken'
  }
  refuseInvalid(formation, { chainId, step: list[simulation.index - prefix], simulation })
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

function refuse(formation: Formation, entry: Entry, fault: Fault): void {
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
  const { height, timestampMs, entries, placements, beats } = formation
  const program = layOut({ config: state.config, height, timestampMs, entries, placements, beats })
  const lists = listsByChain(program, formation.systemNonces)
  for (const chainId of formation.lists.keys()) {
    if (!lists.has(chainId)) formation.results.delete(chainId)
  }
  for (const [chainId, list] of lists) {
    const before = formation.lists.get(chainId)
    if (before !== undefined && formation.results.has(chainId) && sameList(before, list)) continue
    formation.results.delete(chainId)
    const base = formation.bases.get(chainId)
    assert(base !== undefined, 'every touched chain has a head')
    const ticket = state.nextTicket++
    formation.waiting.set(chainId, ticket)
    const calls = [...base.calls, ...list.map(({ call }) => call)]
    effects.push({ type: 'simulate', ticket, chainId, env: base.env, calls })
  }
  formation.lists = lists
}

/** Carries entries whose nonces do not follow any more because an earlier entry fell out. */
function dropUnfit(state: CoreState, formation: Formation): void {
  const next = new Map<AccountKey, number>()
  const fit: Entry[] = []
  for (const entry of formation.entries) {
    const after = noncesAfter(state, entry, next)
    if (after === undefined) {
      formation.carried.push(entry)
      continue
    }
    for (const [key, nonce] of after) next.set(key, nonce)
    fit.push(entry)
  }
  formation.entries = fit
}

/** Next nonces after an entry's legs, or undefined when a leg's nonce is not the next one. */
export function noncesAfter(
  state: CoreState,
  entry: Entry,
  before: ReadonlyMap<AccountKey, number>,
): Map<AccountKey, number> | undefined {
  const after = new Map<AccountKey, number>()
  for (const leg of userLegs(entry)) {
    const key = accountKey(leg.chainId, leg.from)
    const expected = after.get(key) ?? before.get(key) ?? state.accounts.get(key)?.nonce
    if (leg.nonce !== expected) return undefined
    after.set(key, leg.nonce + 1)
  }
  return after
}
