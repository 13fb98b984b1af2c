import { ENTRY_KIND } from '../../../sdk/protocol/entry.ts'
import { isAccountId } from '../../../sdk/protocol/ids.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { conditionSlots, probesOf } from './conditions.ts'
import { hubOf } from '../config.ts'
import type { Entry, Fault } from '../entries/entry.ts'
import type { CoreState } from '../state.ts'

/** Checks that a bundle's terms fit its legs and can be judged. */
export function faultOfTerms({ config }: CoreState, entry: Entry): Fault | undefined {
  if (entry.kind !== ENTRY_KIND.bundle) return undefined
  const { margin } = entry.terms
  if (margin !== undefined && hubOf(config) === undefined) {
    const values = { account: margin.account, reason: 'no hub is sequenced here' }
    return { error: 'MARGIN_UNAVAILABLE', values }
  }
  if (margin !== undefined && !isAccountId(margin.account)) {
    return invalid('an account is 32 bytes in lower case', 'marginPredicate.account')
  }
  return faultOfLegTerms(entry) ?? faultOfConditions(entry)
}

function faultOfLegTerms({ terms, legs }: Entry): Fault | undefined {
  const { legTerms, requireDelivery = [] } = terms
  if (legTerms !== undefined && legTerms.length !== legs.length) {
    return invalid('terms are given for every leg or for none', 'txs')
  }
  for (const [leg, { after }] of (legTerms ?? []).entries()) {
    const later = after.find((earlier) => earlier >= leg || earlier < 0)
    if (later === undefined) continue
    return invalid(`a leg comes after earlier legs: ${leg} names ${later}`, `txs.${leg}.after`)
  }
  const unknown = requireDelivery.find((leg) => leg < 0 || leg >= legs.length)
  if (unknown === undefined) return undefined
  return invalid(`a delivery is of one of ${legs.length} legs: ${unknown}`, 'requireDelivery')
}

function faultOfConditions(entry: Entry): Fault | undefined {
  const { terms, legs } = entry
  const strange = (terms.conditional ?? []).find(
    (condition) => !legs.some(({ chainId }) => chainId === condition.chainId),
  )
  if (strange !== undefined) {
    const rule = `a condition is about a chain with a leg: ${strange.chainId}`
    return invalid(rule, 'conditional')
  }
  const probes = probesOf(entry)
  if (probes > LIMITS.slotProbes) {
    const values = { what: 'conditions', actual: `${probes} accounts`, limit: LIMITS.slotProbes }
    return { error: 'TOO_LARGE', values }
  }
  const slots = conditionSlots(entry)
  if (slots <= LIMITS.conditionSlots) return undefined
  const values = { what: 'conditions', actual: `${slots} slots`, limit: LIMITS.conditionSlots }
  return { error: 'TOO_LARGE', values }
}

function invalid(rule: string, path: string): Fault {
  return { error: 'INVALID_REQUEST', values: { rule, path: `params.0.${path}` } }
}
