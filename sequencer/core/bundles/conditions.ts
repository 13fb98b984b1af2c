import type { ChainCondition, LegCondition } from '../../../sdk/protocol/condition.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { chainOf, hubOf, type CoreConfig } from '../config.ts'
import { legTermsOf, type Entry, type Fault } from '../entries/entry.ts'
import type { BlockEnv, Probe, ProbeAnswer } from '../entries/execution.ts'
import type { Formation } from '../slots/formation.ts'
import type { PlacedStep } from '../slots/program.ts'

/** A probe with what asks for it. */
export type PlacedProbe = {
  probe: Probe
  entryId: Hash
  /** Names it among the probes of its entry. */
  key: string
}

/** What a false condition needed and what it found. */
export type Mismatch = { expected: string; actual: string }

/** Checks what a condition says about the block, which is known before anything runs. */
export function mismatchOfBlock(condition: LegCondition, env: BlockEnv): Mismatch | undefined {
  const { blockNumberMin, blockNumberMax, timestampMin, timestampMax } = condition
  const { number, timestampS } = env
  const out = (what: string, actual: number, sign: string, limit: number) => ({
    expected: `a block of ${what} ${sign} ${limit}`,
    actual: `${actual}`,
  })
  if (blockNumberMin !== undefined && number < blockNumberMin) {
    return out('number', number, 'at least', blockNumberMin)
  }
  if (blockNumberMax !== undefined && number > blockNumberMax) {
    return out('number', number, 'at most', blockNumberMax)
  }
  if (timestampMin !== undefined && timestampS < timestampMin) {
    return out('time', timestampS, 'at least', timestampMin)
  }
  if (timestampMax !== undefined && timestampS > timestampMax) {
    return out('time', timestampS, 'at most', timestampMax)
  }
  return undefined
}

/** Names the answer to a leg's own condition. */
export function legKey(leg: number, account: number): string {
  return `leg ${leg}.${account}`
}

/** Names the answer to a condition of the whole bundle. */
export function bundleKeyOf(condition: number, account: number): string {
  return `bundle ${condition}.${account}`
}

/** Names the coinbase's balance before or after a leg. */
export function coinbaseKey(leg: number, when: 'before' | 'after'): string {
  return `coinbase ${when} ${leg}`
}

/** Names the margin after the entry. */
export const MARGIN_AFTER = 'margin after'

/** Names the margin before the entry. */
export const MARGIN_BEFORE = 'margin before'

/** Places at which an entry's conditions need the state. */
export function probesOf(entry: Entry): number {
  const { terms } = entry
  const legs = (terms.legTerms ?? []).reduce((sum, leg) => sum + accountsOf(leg.if).length, 0)
  const bundle = (terms.conditional ?? []).reduce((sum, item) => sum + accountsOf(item).length, 0)
  return legs + bundle + (terms.margin === undefined ? 0 : 1)
}

/** Storage slots that an entry's conditions name. */
export function conditionSlots(entry: Entry): number {
  const { legTerms = [], conditional = [] } = entry.terms
  const conditions = [...legTerms.map((leg) => leg.if), ...conditional]
  return conditions.flatMap(accountsOf).reduce((sum, { slots }) => sum + slots.length, 0)
}

/** Probes of a chain's list, for the entries that ask for some. */
export function probesFor(
  config: CoreConfig,
  formation: Formation,
  { chainId, list, prefix }: { chainId: number; list: readonly PlacedStep[]; prefix: number },
): PlacedProbe[] {
  const asking = formation.entries.filter(
    (entry) =>
      (probesOf(entry) > 0 || formation.purpose === 'preview') &&
      !formation.voided.has(entry.entryId),
  )
  const isHub = hubOf(config)?.chainId === chainId
  const coinbase = chainOf(config, chainId)?.coinbase
  return asking.flatMap((entry) => [
    ...storageProbes(entry, { chainId, list, prefix }),
    ...(coinbase === undefined || formation.purpose === 'slot'
      ? []
      : coinbaseProbes(entry, { list, prefix, coinbase })),
    ...(isHub ? marginProbes(formation, entry, { list, prefix }) : []),
  ])
}

function storageProbes(
  entry: Entry,
  { chainId, list, prefix }: { chainId: number; list: readonly PlacedStep[]; prefix: number },
): PlacedProbe[] {
  const { entryId } = entry
  const placeOf = (leg?: number) =>
    list.findIndex(
      ({ origin }) =>
        origin.type === 'entry' &&
        origin.entryId === entryId &&
        (leg === undefined || origin.leg === leg),
    )
  const probes: PlacedProbe[] = []
  const add = (condition: LegCondition | undefined, place: number, key: (i: number) => string) => {
    // What is left out has no place, and needs none.
    if (place < 0) return
    for (const [i, { address, slots }] of accountsOf(condition).entries()) {
      const names = slots.map(({ slot }) => slot)
      const probe = { what: 'storage', after: prefix + place, address, slots: names } as const
      probes.push({ probe, entryId, key: key(i) })
    }
  }
  for (const [leg, item] of entry.legs.entries()) {
    if (item.chainId !== chainId) continue
    add(legTermsOf(entry, leg).if, placeOf(leg), (i) => legKey(leg, i))
  }
  for (const [c, condition] of (entry.terms.conditional ?? []).entries()) {
    if (condition.chainId === chainId) add(condition, placeOf(), (i) => bundleKeyOf(c, i))
  }
  return probes
}

/** What a preview tells about payments to the coinbase: its balance around every leg. */
function coinbaseProbes(
  { entryId }: Entry,
  { list, prefix, coinbase }: { list: readonly PlacedStep[]; prefix: number; coinbase: Address },
): PlacedProbe[] {
  return list.flatMap(({ origin }, i): PlacedProbe[] => {
    if (origin.type !== 'entry') return []
    const at = (key: string, after: number): PlacedProbe => ({
      probe: { what: 'balance', address: coinbase, after: prefix + after },
      entryId,
      key,
    })
    return [at(coinbaseKey(origin.leg, 'before'), i), at(coinbaseKey(origin.leg, 'after'), i + 1)]
  })
}

function marginProbes(
  formation: Formation,
  entry: Entry,
  { list, prefix }: { list: readonly PlacedStep[]; prefix: number },
): PlacedProbe[] {
  const { entryId, terms } = entry
  const account = terms.margin?.account ?? formation.marginOf
  if (account === undefined) return []
  const places = new Map(formation.entries.map((other, i) => [other.entryId, i]))
  const own = places.get(entryId) as number
  const placeOf = ({ origin }: PlacedStep) =>
    origin.type === 'open' ? -1 : (places.get(origin.entryId) ?? -1)
  const from = list.findIndex((step) => placeOf(step) >= own)
  const to = list.findIndex((step) => placeOf(step) > own)
  const at = (key: string, place: number): PlacedProbe => ({
    probe: { what: 'margin', account, after: prefix + (place < 0 ? list.length : place) },
    entryId,
    key,
  })
  const before = formation.marginOf === undefined ? [] : [at(MARGIN_BEFORE, from)]
  return [...before, at(MARGIN_AFTER, to)]
}

/** Says why a bundle's own conditions do not hold. */
export function faultOfBundle(formation: Formation, entry: Entry): Fault | undefined {
  for (const [i, condition] of (entry.terms.conditional ?? []).entries()) {
    const mismatch = mismatchOf(formation, entry, condition, (account) => bundleKeyOf(i, account))
    if (mismatch === undefined) continue
    const leg = entry.legs.findIndex(({ chainId }) => chainId === condition.chainId)
    return { error: 'CONDITION_FAILED', values: { leg, chainId: condition.chainId, ...mismatch } }
  }
  return faultOfMargin(formation, entry)
}

function faultOfMargin(formation: Formation, entry: Entry): Fault | undefined {
  const { margin } = entry.terms
  if (margin === undefined) return undefined
  const { account, initialMin18 } = margin
  const answer = answerOf(formation, entry, MARGIN_AFTER)
  if (answer?.what !== 'margin') {
    const reason = answer?.what === 'unknown' ? answer.reason : 'the hub was not asked'
    return { error: 'MARGIN_UNAVAILABLE', values: { account, reason } }
  }
  if (answer.initial18 >= initialMin18) return undefined
  const values = { account, actual: `${answer.initial18}`, limit: `${initialMin18}` }
  return { error: 'MARGIN_TOO_LOW', values }
}

/** Says why a leg's own condition does not hold. */
export function mismatchOfLeg(
  formation: Formation,
  entry: Entry,
  leg: number,
): Mismatch | undefined {
  const condition = legTermsOf(entry, leg).if
  const chainId = entry.legs[leg]?.chainId
  if (condition === undefined || chainId === undefined) return undefined
  return mismatchOf(formation, entry, { ...condition, chainId }, (i) => legKey(leg, i))
}

function mismatchOf(
  formation: Formation,
  entry: Entry,
  condition: ChainCondition,
  keyOf: (account: number) => string,
): Mismatch | undefined {
  const env = formation.bases.get(condition.chainId)?.env
  const early = env === undefined ? undefined : mismatchOfBlock(condition, env)
  if (early !== undefined) return early
  for (const [i, { address, slots }] of accountsOf(condition).entries()) {
    const answer = answerOf(formation, entry, keyOf(i))
    if (answer === undefined) continue
    for (const [s, { slot, value }] of slots.entries()) {
      const actual = answer.what === 'storage' ? answer.values[s] : undefined
      if (actual === value) continue
      const why = answer.what === 'unknown' ? answer.reason : 'nothing'
      return { expected: `${value} in slot ${slot} of ${address}`, actual: actual ?? why }
    }
  }
  return undefined
}

/** Answer to one of an entry's probes in the current layout. */
export function answerOf(
  formation: Formation,
  { entryId }: Entry,
  key: string,
): ProbeAnswer | undefined {
  for (const [chainId, probes] of formation.probes) {
    const i = probes.findIndex((item) => item.entryId === entryId && item.key === key)
    if (i >= 0) return formation.answers.get(chainId)?.[i]
  }
  return undefined
}

function accountsOf(condition: LegCondition | undefined) {
  return condition?.knownAccounts ?? []
}
