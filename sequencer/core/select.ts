import { LIMITS } from '../../sdk/protocol/limits.ts'
import { ENTRY_KIND } from '../../sdk/protocol/entry.ts'
import type { Account } from './accounts.ts'
import { faultOfMarks, faultOfWindow } from './admission.ts'
import { accountKey, userLegs, type AccountKey, type Entry, type Fault } from './entry.ts'
import type { Effect } from './input.ts'
import { costMax } from './leg.ts'
import { hold, isPending, readOrReady, refuseEntry } from './pool.ts'
import { nextTimestampMs, type CoreState } from './state.ts'

/** Gas of a block that entries leave to system legs. */
const systemGasShare = 10n

/** What the candidates so far have used up, before anything ran. */
type Taken = {
  nonces: Map<AccountKey, number>
  costs: Map<AccountKey, bigint>
  gas: Map<number, bigint>
  bytes: number
  marks: Map<number, bigint>
}

type Verdict =
  | { type: 'take' }
  /** Tries again in the next slot. */
  | { type: 'later' }
  | { type: 'hold'; for: Parameters<typeof hold>[2]; read?: AccountKey | undefined }
  /** An account is not known any more. */
  | { type: 'read' }
  | { type: 'refuse'; fault: Fault }

/**
 * Chooses the entries of the next slot from the queue, in lane order and then first come first
 * served. What cannot go now is held, left in the queue, or refused.
 */
export function selectCandidates(state: CoreState): { entries: Entry[]; effects: Effect[] } {
  const taken: Taken = {
    nonces: new Map(),
    costs: new Map(),
    gas: new Map(),
    bytes: 0,
    marks: new Map(),
  }
  const entries: Entry[] = []
  const later: Entry[] = []
  const effects: Effect[] = []
  const queue = state.ready
  state.ready = []
  for (const [i, entry] of queue.entries()) {
    if (entries.length >= LIMITS.slotBundles) {
      later.push(...queue.slice(i))
      break
    }
    if (!isPending(state, entry)) continue
    const verdict = verdictOn(state, entry, taken)
    if (verdict.type === 'take') {
      take(entry, taken)
      entries.push(entry)
    } else if (verdict.type === 'later') later.push(entry)
    else if (verdict.type === 'refuse') effects.push(refuseEntry(state, entry, verdict.fault))
    else if (verdict.type === 'read') effects.push(...readOrReady(state, entry))
    else {
      effects.push(...hold(state, entry, verdict.for), ...readAgain(state, verdict.read))
    }
  }
  state.ready = later
  return { entries, effects }
}

function verdictOn(state: CoreState, entry: Entry, taken: Taken): Verdict {
  const fault = faultOfWindow(state, entry) ?? faultOfStop(state, entry)
  if (fault !== undefined) return { type: 'refuse', fault }
  if (waitsForTime(state, entry)) return { type: 'hold', for: { type: 'time' } }
  if (entry.marks !== undefined) {
    const stale = faultOfMarks(state, entry.marks)
    if (stale !== undefined) return { type: 'refuse', fault: stale }
    const ahead = taken.marks.get(entry.marks.underlying)
    if (ahead !== undefined && ahead >= entry.marks.sequence) return { type: 'later' }
  }
  return (
    verdictOnNonces(state, entry, taken) ??
    verdictOnFunds(state, entry, taken) ??
    verdictOnRoom(state, entry, taken)
  )
}

function faultOfStop(state: CoreState, entry: Entry): Fault | undefined {
  for (const { chainId } of entry.legs) {
    const reason = state.stopped.get(chainId)
    if (reason !== undefined) return { error: 'CHAIN_STOPPED', values: { chainId, reason } }
  }
  return undefined
}

function waitsForTime(state: CoreState, entry: Entry): boolean {
  const { minTimestamp } = entry.terms
  if (entry.firstSlot > state.height + 1) return true
  return minTimestamp !== undefined && minTimestamp * 1000 > nextTimestampMs(state)
}

function verdictOnNonces(state: CoreState, entry: Entry, taken: Taken): Verdict | undefined {
  const own = new Map<AccountKey, number>()
  for (const leg of userLegs(entry)) {
    const { chainId, from, nonce } = leg
    const key = accountKey(chainId, from)
    const account = state.accounts.get(key)
    if (account === undefined) return { type: 'read' }
    if (account.hasCode) {
      return {
        type: 'refuse',
        fault: { error: 'SENDER_HAS_CODE', values: { sender: from, chainId } },
      }
    }
    const ahead = taken.nonces.get(key)
    const expected = own.get(key) ?? ahead ?? account.nonce
    const values = { nonce, sender: from, chainId, expected }
    if (nonce < account.nonce || (own.has(key) && nonce < expected)) {
      return { type: 'refuse', fault: { error: 'NONCE_TOO_LOW', values } }
    }
    // Another candidate uses the nonce: whether it stands decides about this one.
    if (nonce < expected) return { type: 'later' }
    if (nonce > expected) {
      const lone = entry.kind === ENTRY_KIND.transaction
      if (lone && nonce > expected + LIMITS.nonceWindow) {
        return { type: 'refuse', fault: { error: 'NONCE_GAP', values } }
      }
      return { type: 'hold', for: { type: 'nonce', key } }
    }
    own.set(key, nonce + 1)
  }
  return undefined
}

/** Reserves the most that the legs can cost: a leg without funds would fail its whole simulation. */
function verdictOnFunds(state: CoreState, entry: Entry, taken: Taken): Verdict | undefined {
  const own = new Map<AccountKey, bigint>()
  for (const leg of userLegs(entry)) {
    const { chainId, from } = leg
    const key = accountKey(chainId, from)
    const account = state.accounts.get(key) as Account
    const reserved = taken.costs.get(key) ?? 0n
    const cost = (own.get(key) ?? 0n) + costMax(leg)
    own.set(key, cost)
    if (reserved + cost <= account.balanceMin) continue
    const wait = { type: 'funds', key } as const
    if (reserved > 0n && cost <= account.balanceMin) return { type: 'later' }
    if (account.asOfBlock < (state.heads.get(chainId)?.number ?? 0)) {
      return { type: 'hold', for: wait, read: key }
    }
    // Income inside the open block is seen when the block is published.
    if (state.superblock.blocks.has(chainId)) return { type: 'hold', for: wait }
    const values = {
      sender: from,
      balance: account.balanceMin.toString(),
      chainId,
      cost: cost.toString(),
    }
    return { type: 'refuse', fault: { error: 'INSUFFICIENT_FUNDS', values } }
  }
  return undefined
}

function verdictOnRoom(state: CoreState, entry: Entry, taken: Taken): Verdict {
  if (taken.bytes + entry.bytes > LIMITS.slotBytes / 2) return { type: 'later' }
  const gas = gasByChain(entry)
  for (const { chainId, gasLimit } of state.config.chains) {
    const wanted = gas.get(chainId)
    if (wanted === undefined) continue
    const used =
      (state.superblock.blocks.get(chainId)?.gasUsed ?? 0n) + (taken.gas.get(chainId) ?? 0n)
    if (used + wanted > gasLimit - gasLimit / systemGasShare) {
      return used === 0n
        ? { type: 'refuse', fault: faultOfGas(wanted, gasLimit) }
        : { type: 'later' }
    }
  }
  return { type: 'take' }
}

function faultOfGas(wanted: bigint, gasLimit: bigint): Fault {
  const limit = (gasLimit - gasLimit / systemGasShare).toString()
  return {
    error: 'TOO_LARGE',
    values: { what: 'gas of one block', actual: wanted.toString(), limit },
  }
}

function take(entry: Entry, taken: Taken): void {
  for (const leg of userLegs(entry)) {
    const key = accountKey(leg.chainId, leg.from)
    taken.nonces.set(key, leg.nonce + 1)
    taken.costs.set(key, (taken.costs.get(key) ?? 0n) + costMax(leg))
  }
  for (const [chainId, gas] of gasByChain(entry)) {
    taken.gas.set(chainId, (taken.gas.get(chainId) ?? 0n) + gas)
  }
  taken.bytes += entry.bytes
  if (entry.marks !== undefined) taken.marks.set(entry.marks.underlying, entry.marks.sequence)
}

function gasByChain(entry: Entry): Map<number, bigint> {
  const gas = new Map<number, bigint>()
  for (const item of entry.legs) {
    const call = item.type === 'user' ? item.leg : item.call
    gas.set(item.chainId, (gas.get(item.chainId) ?? 0n) + call.gas)
  }
  return gas
}

function readAgain(state: CoreState, key: AccountKey | undefined): Effect[] {
  const account = key === undefined ? undefined : state.accounts.get(key)
  if (key === undefined || account === undefined || account.reading) return []
  account.reading = true
  const [chainId, address] = key.split(':') as [string, `0x${string}`]
  return [{ type: 'readAccounts', chainId: Number(chainId), addresses: [address] }]
}
