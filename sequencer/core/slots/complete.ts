import { assert } from '../../../sdk/protocol/assert.ts'
import { ENTRY_KIND, LANES } from '../../../sdk/protocol/entry.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { sparseRoot } from '../../../sdk/protocol/sparse-merkle.ts'
import { bookTransaction } from '../entries/accounts.ts'
import { faultOfWindow } from '../bundles/admission.ts'
import { accountKey, replacementKey, type AccountKey, type Entry } from '../entries/entry.ts'
import { noteFailure, noteVoided } from '../bundles/failures.ts'
import { takeOrigin } from '../bundles/forced.ts'
import type { Formation } from './formation.ts'
import type { Effect, FormedSlot, FormedStep } from '../input.ts'
import { effectiveGasPrice } from '../entries/leg.ts'
import { forgetAfter, rememberSequenced } from '../snapshot/memory.ts'
import { forgetPending, giveBack, refuseEntry, wake } from '../bundles/pool.ts'
import { nativeAfter } from '../native/books.ts'
import { takeNotes, type CoreState } from '../state.ts'
import { beginResumed } from '../superblocks/stop.ts'

/** Makes a slot of a formation that has its verdicts, and books everything that it promises. */
export function completeSlot(state: CoreState, formation: Formation): Effect[] {
  state.formation = undefined
  const first = state.superblock.phase === 'none'
  openSuperblock(state, formation)
  const chains = formedChains(formation)
  const { entries, height, timestampMs } = formation
  // By inbox index, whatever their lanes: the cursor has no holes.
  const forced = entries.filter((entry) => entry.forced !== undefined)
  const others = entries.filter((entry) => entry.forced === undefined)
  forced.sort((a, b) => a.sequence - b.sequence)
  for (const entry of [...forced, ...others]) settleEntry(state, entry, formation)
  const refused = formation.refused.map(({ entry, fault }) => {
    const { entryId } = entry
    noteFailure(state, entry, fault)
    refuseEntry(state, entry, fault)
    return { entryId, waiters: entry.waiters, fault }
  })
  for (const entry of entries) {
    if (formation.voided.has(entry.entryId)) noteVoided(state, entry)
  }
  const keys = new Set<AccountKey>()
  const byId = new Map(entries.map((entry) => [entry.entryId, entry]))
  for (const chain of chains) bookChain(state, chain, { keys, byId })
  state.height = height
  state.timestampMs = timestampMs
  state.slotAtMs = state.elapsedMs
  if (entries.length > 0) state.busyAtMs = state.elapsedMs
  state.native = nativeAfter(state.config, state.native, {
    chains: chains.map(({ chainId, steps }) => ({ chainId, legs: steps.map((s) => s.outcome) })),
    entries: entries.filter(({ entryId }) => !formation.voided.has(entryId)),
  })
  const notes = takeNotes(state, first)
  beginResumed(state, notes)
  const slot: FormedSlot = {
    height,
    superblock: state.superblock.number,
    timestampMs,
    marksSeq: state.marksSeq,
    risk: state.risk,
    nativeRoot: sparseRoot(state.native),
    l1Origin: takeOrigin(state),
    forcedCursor: state.forcedCursor,
    entries,
    skips: formation.skips,
    voided: formation.voided,
    chains,
    notes,
    refused,
  }
  forgetAfter(state.memory, height)
  giveBack(state, formation.carried)
  wake(state, { keys, time: true })
  return [{ type: 'append', slot }, ...refuseExpired(state)]
}

function openSuperblock(state: CoreState, formation: Formation): void {
  const { superblock } = state
  assert(
    superblock.phase === 'none' || superblock.phase === 'open',
    'a slot needs an open superblock',
  )
  if (superblock.phase === 'open') return
  superblock.phase = 'open'
  superblock.number += 1
  superblock.openedMs = formation.timestampMs
  superblock.openedAtMs = state.elapsedMs
}

function formedChains(formation: Formation): FormedSlot['chains'] {
  return [...formation.lists]
    .toSorted(([a], [b]) => a - b)
    .map(([chainId, list]) => {
      const base = formation.bases.get(chainId)
      const outcomes = formation.results.get(chainId)
      assert(base !== undefined, 'a touched chain has a block to come')
      assert(outcomes?.length === list.length, 'every leg of a slot has its result')
      const steps = list.map((step, i): FormedStep => {
        const outcome = outcomes[i]
        assert(outcome !== undefined, 'every leg of a slot has its result')
        return { ...step, outcome }
      })
      return { chainId, env: base.env, steps }
    })
}

function settleEntry(state: CoreState, entry: Entry, formation: Formation): void {
  const { height } = formation
  const index = formation.entries.indexOf(entry)
  const uuid = entry.terms.replacementUuid
  rememberSequenced(state.memory, entry.entryId, {
    height,
    index,
    untilSlot: rememberedUntil(height, entry.deadlineSlot),
    ...(uuid === undefined ? {} : { replacement: replacementKey(entry.owner, uuid) }),
  })
  forgetPending(state, entry)
  if (entry.forced !== undefined) {
    assert(entry.forced.index === state.forcedCursor, 'forced entries stand in the inbox’s order')
    state.forcedCursor += 1
  }
  if (entry.risk !== undefined) state.risk = entry.risk
  if (entry.kind !== ENTRY_KIND.system || entry.marks === undefined) return
  state.marks.set(entry.marks.underlying, entry.marks.sequence)
  state.marksSeq += 1n
}

/** Last slot in which a second copy of an entry is known by its id; later its nonces refuse it. */
export function rememberedUntil(height: number, deadlineSlot: number): number {
  return Math.max(height + LIMITS.bundleHorizonSlots, deadlineSlot)
}

function bookChain(
  state: CoreState,
  chain: FormedSlot['chains'][number],
  { keys, byId }: { keys: Set<AccountKey>; byId: ReadonlyMap<Hash, Entry> },
): void {
  const { chainId, env, steps } = chain
  const { superblock } = state
  const open = superblock.blocks.get(chainId)
  let gasUsed = open?.gasUsed ?? 0n
  const gasByLane = [...(open?.gasByLane ?? Array.from({ length: LANES }, () => 0n))]
  let forcedGas = open?.forcedGas ?? 0n
  for (const { call, leg, outcome, origin } of steps) {
    gasUsed += outcome.gasUsed
    const entry = origin.type === 'open' ? undefined : byId.get(origin.entryId)
    if (entry !== undefined) {
      gasByLane[entry.lane] = (gasByLane[entry.lane] ?? 0n) + outcome.gasUsed
      if (entry.forced !== undefined) forcedGas += outcome.gasUsed
    }
    if (leg === undefined) {
      state.systemNonces.set(chainId, call.nonce + 1)
      continue
    }
    const key = accountKey(chainId, leg.from)
    const account = state.accounts.get(key)
    assert(account !== undefined, 'the sender of a promised leg is known')
    const gasWei = outcome.gasUsed * effectiveGasPrice(leg.fee, env.baseFeePerGas)
    const paidWei = gasWei + (outcome.status === 1 ? leg.value : 0n)
    bookTransaction(account, { nonce: leg.nonce, paidWei, block: env.number })
    keys.add(key)
  }
  superblock.blocks.set(chainId, {
    env,
    calls: [...(open?.calls ?? []), ...steps.map(({ call }) => call)],
    outcomes: [...(open?.outcomes ?? []), ...steps.map(({ outcome }) => outcome)],
    gasUsed,
    gasByLane,
    forcedGas,
  })
  state.touchedAtMs.set(chainId, state.superblock.openedAtMs)
}

/** Refuses what waited until its last slot, block or time passed. */
function refuseExpired(state: CoreState): Effect[] {
  return [...state.held.values()].flatMap(({ entry, for: reason }) => {
    const fault = faultOfWindow(state, entry)
    if (fault === undefined) return []
    if (reason.type === 'nonce') {
      const [chainId, sender] = reason.key.split(':') as [string, string]
      const nonce = entry.legs.flatMap((item) =>
        item.type === 'user' && item.leg.from === sender ? [item.leg.nonce] : [],
      )[0] as number
      const expected = state.accounts.get(reason.key)?.nonce ?? 0
      const values = { nonce, sender, chainId: Number(chainId), expected }
      return refuseEntry(state, entry, { error: 'NONCE_GAP', values })
    }
    return refuseEntry(state, entry, fault)
  })
}
