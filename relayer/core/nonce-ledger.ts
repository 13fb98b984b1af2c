import { assert } from '../../sdk/protocol/assert.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'

/** One signed form of a ledger entry's transaction: the first, or a replacement at a higher fee. */
export type SignedAttempt = {
  hash: Hash
  rawTx: Hex
  /** Wei per gas, as decimal text. */
  maxFeePerGas: string
  /** Wei per gas, as decimal text. */
  maxPriorityFeePerGas: string
}

/** What a nonce is used for. `mined` entries stay until their block is final: a chain may go back. */
export type LedgerEntry = {
  nonce: number
  txUuid: string
  purpose: 'deliver' | 'fill' | 'confirm'
  messageIds: readonly Hash[]
  state: 'reserved' | 'signed' | 'broadcast' | 'mined'
  /** Every form that was ever signed, the newest last. */
  attempts: readonly SignedAttempt[]
  /** Head of the destination when the newest form was broadcast. */
  broadcastAt?: number | undefined
  minedAt?: number | undefined
}

/** The nonces of one signer on one chain that are in use; mutable, written before it is acted upon. */
export type NonceLedger = Map<number, LedgerEntry>

/** What the chain says of a signer. */
export type SignerView = {
  /** Nonces used in blocks. */
  latest: number
  /** Nonces used in blocks and in the pool, without a gap. */
  pending: number
  headNumber: number
}

/** What must be done so that the ledger and the chain agree. */
export type LedgerAction =
  /** Send the newest signed form, byte for byte. */
  | { type: 'send'; nonce: number }
  /** Sign for a nonce that was reserved and never signed, since later nonces need it. */
  | { type: 'sign'; nonce: number }
  /** Give a nonce back that was reserved and never signed. */
  | { type: 'release'; nonce: number }
  /** Use a nonce that nobody uses, so that those above it can go. */
  | { type: 'fill'; nonce: number }
  /** The nonce is used on chain: find out by which transaction. */
  | { type: 'look_up'; nonce: number }
  /** Replace a transaction that the chain does not take at its fee. */
  | { type: 'bump'; nonce: number }
  /** Forget a nonce whose transaction is final. */
  | { type: 'settle'; nonce: number }

/** When a pending transaction counts as stuck. */
export type LedgerPolicy = {
  /** Blocks without inclusion after which it is sent again. */
  resendBlocks: number
  /** Blocks without inclusion after which its fee is raised. */
  bumpBlocks: number
  /** Blocks on top of a mined transaction after which its nonce is forgotten. */
  settleBlocks: number
  /** Entries that may be under way at once. */
  pendingMax: number
}

/**
 * Gives the nonce for a new transaction: the lowest free one that the chain has not used.
 *
 * Nonces that the pool holds and the ledger does not know are left alone: they may be our own, of a
 * time that the ledger has lost.
 *
 * @returns undefined when `pendingMax` entries are under way.
 */
export function nextNonce(
  ledger: NonceLedger,
  view: Pick<SignerView, 'latest' | 'pending'>,
  { pendingMax }: Pick<LedgerPolicy, 'pendingMax'>,
): number | undefined {
  if (underWay(ledger) >= pendingMax) return undefined
  let nonce = view.latest
  while (ledger.has(nonce) || (nonce < view.pending && !ledger.has(nonce))) nonce += 1
  return nonce
}

/** Counts the entries that are not mined. */
export function underWay(ledger: NonceLedger): number {
  let count = 0
  for (const { state } of ledger.values()) if (state !== 'mined') count += 1
  return count
}

/**
 * Plans what must be done for each nonce, lowest first.
 *
 * @param resuming - True when a new owner takes the ledger over: then nothing is in anyone's hands,
 * and every signed transaction is sent again, because a send may have been lost or not recorded.
 */
export function planLedger(
  ledger: NonceLedger,
  view: SignerView,
  options: { resuming: boolean; policy: LedgerPolicy },
): readonly LedgerAction[] {
  const actions: LedgerAction[] = []
  const signedTop = topSigned(ledger)
  for (const entry of sorted(ledger)) {
    const { nonce } = entry
    if (nonce < view.latest) {
      const action = usedNonce(entry, view, options.policy)
      if (action !== undefined) actions.push(action)
    } else {
      const action = openNonce(entry, view, { ...options, signedTop })
      if (action !== undefined) actions.push(action)
    }
  }
  // The first nonce that neither chain nor pool has is the only gap that can be known for one: what
  // lies above it in the pool is not counted, and may be ours of a time that the ledger has lost.
  const hole = Math.max(view.latest, view.pending)
  if (hole < signedTop && !ledger.has(hole)) actions.push({ type: 'fill', nonce: hole })
  return actions.sort((a, b) => a.nonce - b.nonce)
}

function usedNonce(
  entry: LedgerEntry,
  view: SignerView,
  policy: LedgerPolicy,
): LedgerAction | undefined {
  if (entry.state !== 'mined') return { type: 'look_up', nonce: entry.nonce }
  assert(entry.minedAt !== undefined, 'a mined entry knows its block')
  const depth = view.headNumber - entry.minedAt
  return depth >= policy.settleBlocks ? { type: 'settle', nonce: entry.nonce } : undefined
}

function openNonce(
  entry: LedgerEntry,
  view: SignerView,
  options: { resuming: boolean; policy: LedgerPolicy; signedTop: number },
): LedgerAction | undefined {
  const { nonce } = entry
  const { resuming, policy, signedTop } = options
  if (entry.state === 'reserved') {
    if (!resuming) return undefined
    return nonce > signedTop ? { type: 'release', nonce } : { type: 'sign', nonce }
  }
  // A mined entry above the chain's count: the chain went back, the same bytes go out again.
  if (resuming || entry.state === 'mined') return { type: 'send', nonce }
  if (entry.state === 'signed' || entry.broadcastAt === undefined) return undefined
  // Only the lowest holds the others up; those above it are raised when their turn comes.
  if (nonce !== view.latest) return undefined
  const waited = view.headNumber - entry.broadcastAt
  if (waited >= policy.bumpBlocks) return { type: 'bump', nonce }
  if (waited >= policy.resendBlocks) return { type: 'send', nonce }
  return undefined
}

function topSigned(ledger: NonceLedger): number {
  let top = -1
  for (const { nonce, state } of ledger.values())
    if (state !== 'reserved') top = Math.max(top, nonce)
  return top
}

function sorted(ledger: NonceLedger): readonly LedgerEntry[] {
  return [...ledger.values()].sort((a, b) => a.nonce - b.nonce)
}
