import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { assert } from '../../sdk/protocol/assert.ts'
import { ENTRY_KIND, type Voided } from '../../sdk/protocol/entry.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import { learnAccount, type Account } from '../core/entries/accounts.ts'
import { accountKey, userLegs, type AccountKey, type Entry } from '../core/entries/entry.ts'
import { advance, beginFormation, takeSimulation, type Formation } from '../core/slots/formation.ts'
import { effectiveGasPrice } from '../core/entries/leg.ts'
import { selectCandidates } from '../core/lanes/select.ts'
import { emptyNotes, type CoreState } from '../core/state.ts'
import { simulateWithProbes, type MarginProbe } from '../shell/engine/probes.ts'
import { skipsOf, voidedOf, type CheckedProgram } from './check-program.ts'
import { superblockOf, type FollowedState } from './followed-state.ts'
import { LieError, mustBe } from './lie.ts'
import type { FollowRules } from './rules.ts'

/** A slot whose form was checked. */
export type CheckedSlot = {
  record: SlotRecord
  entries: readonly Entry[]
  program: CheckedProgram
}

/** Says whether a slot holds verdicts that its blocks alone do not show. */
export function isJudged({ record, entries, program }: CheckedSlot): boolean {
  if (program.undelivered > 0) return true
  return entries.some((entry, i) => {
    const { voided, skipped = [] } = record.entries[i] ?? {}
    const { legTerms, conditional, requireDelivery } = entry.terms
    const terms = [legTerms, conditional, requireDelivery].some((term) => term !== undefined)
    return voided !== undefined || skipped.length > 0 || terms
  })
}

/**
 * Forms a slot again from its entries, on the follower's own nodes, and compares every verdict: what was
 * voided and why, what was left out, which messages were delivered (I10, I12, I14).
 *
 * @param followed - As of the slot before; every earlier superblock is published on the nodes.
 * @throws LieError with the first entry whose verdict is another one.
 */
export async function checkVerdicts(
  rules: FollowRules,
  slot: CheckedSlot,
  followed: FollowedState,
): Promise<void> {
  const { record, entries } = slot
  const known = entries.filter((entry, i) => !isTrusted(record.entries[i], entry))
  const state = await stateBefore(rules, { record, entries: known }, followed)
  const { height } = record.header
  const { entries: chosen, effects, skips, voided } = selectCandidates(state)
  const refused = effects.find((effect) => effect.type === 'refuse')
  const rule = 'every entry passes at its place'
  if (refused !== undefined) {
    const entry = entries.findIndex(({ entryId }) => entryId === refused.entryId)
    const recomputed = `${refused.fault.error} ${JSON.stringify(refused.fault.values)}`
    throw new LieError({ slot: height, entry }, { what: rule, posted: 'it passed', recomputed })
  }
  compareEntries(slot, known, chosen)
  const formation = beginFormation(state, {
    ...{ purpose: 'slot', entries: chosen, timestampMs: record.header.timestampMs, skips, voided },
    beats: new Set(record.chains.map(({ chainId }) => chainId)),
  })
  await form(rules, state, formation)
  const [fault] = formation.refused
  if (fault !== undefined) {
    const entry = entries.indexOf(fault.entry)
    const recomputed = `${fault.fault.error} ${JSON.stringify(fault.fault.values)}`
    throw new LieError({ slot: height, entry }, { what: rule, posted: 'it passed', recomputed })
  }
  compareEntries(slot, known, formation.entries)
  compareVerdicts(slot, known, formation)
  compareLists(slot, formation)
}

/**
 * Says whether an entry without effect must be taken at the leader's word: margins rest on marks that
 * it had in force, and of its own starts of liquidations that failed the log keeps no call.
 */
function isTrusted(recorded: SlotRecord['entries'][number] | undefined, entry: Entry): boolean {
  if (recorded?.voided === undefined) return false
  const byMargin = entry.terms.margin !== undefined && recorded.voided.reason.startsWith('MARGIN_')
  return byMargin || entry.kind === ENTRY_KIND.system
}

function compareEntries(
  { record, entries }: CheckedSlot,
  posted: readonly Entry[],
  made: readonly Entry[],
): void {
  for (const [i, entry] of posted.entries()) {
    const place = { slot: record.header.height, entry: entries.indexOf(entry) }
    mustBe(place, 'an entry stands where it finds room', {
      posted: entry.entryId,
      recomputed: made[i]?.entryId ?? 'a later slot',
    })
  }
}

function compareVerdicts(
  { record, entries }: CheckedSlot,
  known: readonly Entry[],
  formation: Formation,
): void {
  const slot = record.header.height
  const skips = skipsOf(record, entries)
  const voided = voidedOf(record, entries)
  for (const item of known) {
    const entry = entries.indexOf(item)
    const { entryId } = item
    mustBe({ slot, entry }, 'a verdict is what the legs do at their place (I10, I12)', {
      posted: verdictText(voided.get(entryId)),
      recomputed: verdictText(formation.voided.get(entryId)),
    })
    if (voided.has(entryId)) continue
    mustBe({ slot, entry }, 'a leg is left out when it would fail, and not otherwise', {
      posted: skipText(skips.get(entryId)),
      recomputed: skipText(formation.skips.get(entryId)),
    })
  }
}

function compareLists({ record, entries }: CheckedSlot, formation: Formation): void {
  const slot = record.header.height
  for (const { chainId, legs } of record.chains) {
    const list = formation.lists.get(chainId) ?? []
    const outcomes = formation.results.get(chainId) ?? []
    for (let leg = 0; leg < Math.max(legs.length, list.length); leg++) {
      const recorded = legs[leg]
      const { origin } = list[leg] ?? {}
      const place = { slot, chainId, leg }
      const entry =
        origin === undefined || origin.type === 'open'
          ? ''
          : entries.findIndex((item) => item.entryId === origin.entryId)
      mustBe(place, 'a slot delivers what can be delivered in it (I14)', {
        posted: recorded === undefined ? 'nothing' : originText(recorded.origin),
        recomputed: origin === undefined ? 'nothing' : `${origin.type} ${entry}`,
      })
      const outcome = outcomes[leg]
      if (recorded === undefined || outcome === undefined) continue
      mustBe({ ...place, transactionHash: recorded.hash }, 'the output differs', {
        posted: recorded.outputHash,
        recomputed: keccak256(outcome.output),
      })
    }
  }
}

function originText(origin: SlotRecord['chains'][number]['legs'][number]['origin']): string {
  return `${origin.type} ${origin.type === 'open' ? '' : origin.entry}`
}

function verdictText(voided: Voided | undefined): string {
  return voided === undefined ? 'executed' : `voided, leg ${voided.leg}: ${voided.reason}`
}

function skipText(left: ReadonlySet<number> | undefined): string {
  return left === undefined || left.size === 0 ? 'none' : [...left].toSorted((a, b) => a - b).join()
}

/** A margin that satisfies every predicate: whether it does is the leader's word. */
const trusted: MarginProbe = () => Promise.resolve(1n << 200n)

async function form(
  { drivers }: FollowRules,
  state: CoreState,
  formation: Formation,
): Promise<void> {
  for (;;) {
    const { done, effects } = advance(state, formation)
    if (done) break
    for (const { ticket, chainId, env, calls, probes } of effects) {
      const driver = drivers.get(chainId)
      assert(driver !== undefined, 'every rollup of a slot that is judged has a node')
      const simulation = await simulateWithProbes(driver, { env, calls, probes }, trusted)
      const taken = takeSimulation(formation, { ticket, chainId, simulation })
      assert(taken === 'taken', 'the follower’s nodes stand at the superblock before')
    }
  }
  const { broken } = formation
  if (broken === undefined) return
  const what = 'a slot can open'
  throw new LieError(
    { slot: formation.height, chainId: broken.chainId },
    { what, posted: 'it opened', recomputed: broken.reason },
  )
}

/** What the leader knew when it formed the slot, with nothing waiting but the slot's own entries. */
async function stateBefore(
  rules: FollowRules,
  { record, entries }: Pick<CheckedSlot, 'record' | 'entries'>,
  followed: FollowedState,
): Promise<CoreState> {
  const { state } = followed.fold
  const superblock = superblockOf(followed, record)
  const accounts = await accountsBefore(rules, entries, superblock.blocks)
  return {
    ...state,
    config: rules.config,
    nowMs: record.header.timestampMs,
    superblock,
    accounts,
    ready: [...entries],
    pending: new Map(entries.map((entry) => [entry.entryId, entry])),
    forcedNext: record.header.forcedCursor,
    held: new Map(),
    heldBySender: new Map(),
    firstSeen: new Map(),
    pendingByLane: [],
    notes: emptyNotes(),
    previews: new Map(),
  }
}

async function accountsBefore(
  { drivers }: FollowRules,
  entries: readonly Entry[],
  blocks: CoreState['superblock']['blocks'],
): Promise<Map<AccountKey, Account>> {
  const accounts = new Map<AccountKey, Account>()
  const wanted = new Map<number, Set<`0x${string}`>>()
  for (const { chainId, from } of entries.flatMap(userLegs)) {
    wanted.set(chainId, new Set([...(wanted.get(chainId) ?? []), from]))
  }
  for (const [chainId, addresses] of wanted) {
    const read = await drivers.get(chainId)?.accounts([...addresses])
    for (const fact of read?.facts ?? []) {
      learnAccount(accounts, accountKey(chainId, fact.address), fact, read?.head.number ?? 0)
    }
    const { calls = [], outcomes = [], env } = blocks.get(chainId) ?? {}
    for (const [i, call] of calls.entries()) {
      const account = accounts.get(accountKey(chainId, call.from))
      const outcome = outcomes[i]
      if (account === undefined || outcome === undefined || env === undefined) continue
      account.nonce = call.nonce + 1
      account.balanceMin -=
        outcome.gasUsed * effectiveGasPrice(call.fee, env.baseFeePerGas) +
        (outcome.status === 1 ? call.value : 0n)
    }
  }
  return accounts
}
