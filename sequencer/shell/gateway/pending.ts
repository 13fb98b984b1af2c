import type { Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import type { Leg } from '../../core/entries/leg.ts'
import type { History } from '../history/history.ts'
import type { DecodedBundle, SequencerPort } from '../port.ts'

/** A transaction that was taken and is in no published block yet. */
export type PendingTransaction = Leg

/** What was taken and is not published yet, by rollup. */
export type Pending = {
  /** A transaction by hash, until its block is published. */
  find: (chainId: number, hash: Hash) => PendingTransaction | undefined
  /** Calls `listener` for each transaction that is taken from now on; gives the way to stop. */
  onTaken: (chainId: number, listener: (leg: Leg) => void) => () => void
  /** Place behind the last transaction that was taken. */
  place: (chainId: number) => number
  /** Hashes of what was taken from a place on, as far back as is kept. */
  since: (chainId: number, place: number) => readonly Hash[]
  /** The sequencer, watched: what it takes is pending. */
  sequencer: SequencerPort
}

type Taken = {
  waiting: Map<Hash, Leg>
  /** Hashes in order of arrival, the last ones alone. */
  recent: Hash[]
  /** Place of the first of them. */
  first: number
  listeners: Set<(leg: Leg) => void>
}

/** Watches what a sequencer takes. Nothing is told of what it did not promise. */
export function watchPending(sequencer: SequencerPort, history: History): Pending {
  const chains = new Map<number, Taken>()
  const of = (chainId: number) => {
    const known = chains.get(chainId)
    if (known !== undefined) return known
    const made: Taken = { waiting: new Map(), recent: [], first: 0, listeners: new Set() }
    chains.set(chainId, made)
    return made
  }
  /** Notes a transaction, in whose block it stands if that is known. */
  const note = (leg: Leg, blockNumber?: bigint) => {
    const chain = history.chain(leg.chainId)
    // Its block may have been published before the answer came here.
    const published =
      blockNumber === undefined
        ? chain?.transaction(leg.hash) !== undefined
        : blockNumber <= (chain?.last() ?? 0)
    take(of(leg.chainId), leg, published)
  }
  const noteBundle = ({ legs }: DecodedBundle, { results }: SignedReceipt) => {
    for (const [i, leg] of legs.entries()) {
      const result = results[i]
      // What is voided or was left out is in no block.
      if (result !== undefined && result.status !== 2) note(leg, result.blockNumber)
    }
  }
  history.onSuperblock(({ blocks }) => {
    for (const { chainId, legs } of blocks) {
      const { waiting } = of(chainId)
      for (const { hash } of legs) waiting.delete(hash)
    }
  })
  return {
    find: (chainId, hash) => of(chainId).waiting.get(hash),
    onTaken: (chainId, listener) => {
      const { listeners } = of(chainId)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    place: (chainId) => placeOf(of(chainId)),
    since: (chainId, place) => {
      const { recent, first } = of(chainId)
      return recent.slice(Math.max(0, place - first))
    },
    sequencer: {
      ...sequencer,
      acceptTransaction: async (leg) => {
        const receipt = await sequencer.acceptTransaction(leg)
        note(leg, receipt?.results[0]?.blockNumber)
        return receipt
      },
      sendBundle: async (bundle) => {
        const receipt = await sequencer.sendBundle(bundle)
        noteBundle(bundle, receipt)
        return receipt
      },
      acceptBundle: async (bundle) => {
        const accepted = await sequencer.acceptBundle(bundle)
        // What waits for its block is private until it stands.
        if (accepted.receipt !== undefined) noteBundle(bundle, accepted.receipt)
        return accepted
      },
    },
  }
}

function placeOf({ first, recent }: Taken): number {
  return first + recent.length
}

function take(taken: Taken, leg: Leg, published: boolean): void {
  const { waiting, recent, listeners } = taken
  const { hash } = leg
  if (waiting.has(hash)) return
  if (!published) waiting.set(hash, leg)
  for (const old of waiting.keys()) {
    if (waiting.size <= LIMITS.rpcPending) break
    waiting.delete(old)
  }
  recent.push(hash)
  if (recent.length > LIMITS.rpcPending) {
    const cut = recent.length - LIMITS.rpcPending / 2
    recent.splice(0, cut)
    taken.first += cut
  }
  for (const listener of listeners) listener(leg)
}
