import { bytesToHex, concatBytes, hexToBytes } from '../../../sdk/protocol/bytes.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { ENTRY_KIND, transactionEntryId, type BundleTerms } from '../../../sdk/protocol/entry.ts'
import type { BundleInput } from '../../core/bundles/admission.ts'
import { userLegs, type Entry } from '../../core/entries/entry.ts'
import { decodePlain, encodePlain, type Plain } from '../../core/snapshot/plain.ts'
import type { WaitingEntry } from '../waiting/waiting-room.ts'
import type { Engine } from './engine.ts'

/** Where a bundle waits in the waiting room: no chain has this id. */
const BUNDLE_CHAIN = 0

/** A bundle as the waiting room keeps it. */
type KeptBundle = {
  entryId: Hash
  legs: readonly { chainId: number; rawTx: Hex }[]
  canRevert: readonly boolean[]
  terms: BundleTerms
  owner: Address
}

/**
 * Keeps an entry that waits and tells those who sent it that it is taken: it must survive a crash
 * before anybody is told. A bundle is kept for those alone who are told while it waits.
 */
export async function keepHeld(
  { state, options, answers }: Engine,
  { entryId, waiters }: { entryId: Hash; waiters: readonly number[] },
): Promise<void> {
  const entry = state.pending.get(entryId)
  if (entry === undefined || userLegs(entry).length === 0) return
  if (entry.kind === ENTRY_KIND.bundle && !answers.answersHeld(waiters)) return
  const waits = (kept: WaitingEntry) =>
    isWaiting({ state, options }, kept) && kept.untilSlot > state.height
  await options.waiting.keep(keptForm(entry), waits)
  answers.held(waiters, entryId)
}

function keptForm(entry: Entry): WaitingEntry {
  const { kind, entryId, deadlineSlot: untilSlot, canRevert, terms, owner } = entry
  const legs = userLegs(entry).map(({ chainId, rawTx }) => ({ chainId, rawTx }))
  const [first] = legs
  if (first !== undefined && kind !== ENTRY_KIND.bundle) return { ...first, untilSlot }
  const kept = { entryId, legs, canRevert, terms, owner } satisfies KeptBundle
  const parts = [...encodePlain(kept as Plain)]
  return { chainId: BUNDLE_CHAIN, rawTx: bytesToHex(concatBytes(parts)), untilSlot }
}

function readBundle({ rawTx }: WaitingEntry): KeptBundle {
  return decodePlain(hexToBytes(rawTx)) as KeptBundle
}

function isWaiting(
  { state, options }: Pick<Engine, 'state' | 'options'>,
  kept: WaitingEntry,
): boolean {
  const { chainId, rawTx } = kept
  if (chainId === BUNDLE_CHAIN) return state.pending.has(readBundle(kept).entryId)
  try {
    const leg = options.decodeLeg(chainId, rawTx)
    return state.pending.has(transactionEntryId(options.config.logId, leg))
  } catch (error) {
    if (error instanceof TandemError) return false
    throw error
  }
}

/** Takes up again what waited when an earlier process ended. What went into the log since is known. */
export function resumeHeld(engine: Engine): void {
  const { state, options, answers } = engine
  const ignore = () => undefined
  for (const kept of options.waiting.found) {
    const { chainId, rawTx, untilSlot } = kept
    if (untilSlot <= state.height) continue
    try {
      const bundle = chainId === BUNDLE_CHAIN ? decodeKept(options, kept) : undefined
      const leg = bundle === undefined ? options.decodeLeg(chainId, rawTx) : undefined
      const requestId = answers.wait({ receipt: ignore, reject: ignore })
      if (bundle !== undefined) engine.dispatch({ type: 'bundle', requestId, bundle })
      else if (leg !== undefined) engine.dispatch({ type: 'transaction', requestId, leg })
    } catch (error) {
      // Rules may have become tighter: it would be refused today.
      if (!(error instanceof TandemError)) throw error
    }
  }
}

function decodeKept({ decodeLeg }: Engine['options'], kept: WaitingEntry): BundleInput {
  const { legs, canRevert, terms, owner } = readBundle(kept)
  const decoded = legs.map(({ chainId, rawTx }) => decodeLeg(chainId, rawTx))
  return { ...terms, legs: decoded, canRevert, owner }
}
