import { randomUUID } from 'node:crypto'
import { encodeFunctionData } from 'viem/utils'
import { earlyMessagesAbi } from '../../../sdk/abi/early-messages.ts'
import { hubVaultAbi } from '../../../sdk/abi/hub-vault.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import {
  earlyCursor,
  emptyEarlyView,
  releasable,
  takeEarly,
  type EarlyMessage,
  type EarlyView,
} from '../../core/early.ts'
import { nextNonce, type LedgerEntry } from '../../core/nonce-ledger.ts'
import { blockRanges } from '../../core/sequence.ts'
import { readContract } from '../chains/chains.ts'
import { readEarlyEvents, type EarlyChain } from './early-logs.ts'
import {
  deliveredBytes,
  proofAt,
  readValidators,
  type Proof,
  type Validators,
} from './early-proofs.ts'
import { feeNow } from '../submitting/pricing.ts'
import type { Pump } from '../submitting/pump.ts'
import { signEntry } from '../submitting/sign.ts'
import { lost, readView, type Tenure } from '../submitting/tenure.ts'
import { estimate } from '../submitting/trial.ts'

/** Confirms, while a lane is ours, what its chain accepted on the sequencer's word. */
export type Confirming = { stop: () => void }

/** Least milliseconds between two looks: a busy rollup has ten heads a second. */
const LOOK_MS = 250
const BLOCKS_PER_QUERY = 1_000
/** Messages confirmed by one transaction: about 25,000 gas and 600 bytes each. */
const BATCH_MAX = 64
/** Messages whose signatures are looked for at once. */
const ASKED_MAX = 256
const RELEASES_MAX = 8
const ASK_AGAIN_MS = { first: 250, max: 10_000 }
const VALIDATORS_TTL_MS = 30_000
/** Blocks by which the kept cursor may lag: what is open is found again in any case. */
const CURSOR_LAG = 64
const USD: Address = `0x${'0'.repeat(40)}`
const MICRO = 1_000_000

type Asked = { nextMs: number; waitMs: number }

type Book = {
  tenure: Tenure
  chain: EarlyChain
  pump: Pump
  view: EarlyView
  next: number | undefined
  kept: number
  asked: Map<bigint, Asked>
  validators: Map<number, { atMs: number; found: Validators }>
}

/**
 * Starts the confirming of a lane's chain. The chain is the record: a process that takes over finds
 * what is open by the chain's own events, and a transaction that was signed is in the lane's ledger.
 *
 * @returns undefined when the chain accepts nothing early, or another lane of it confirms.
 */
export function startConfirmingEarly(tenure: Tenure, pump: Pump): Confirming | undefined {
  const { chain, lane, heads, checkpoints } = tenure
  const { earlyMessages } = chain
  if (earlyMessages === undefined || lane !== 'transfer') return undefined
  const book: Book = {
    ...{ tenure, pump, chain: { ...chain, earlyMessages }, view: emptyEarlyView() },
    ...{ next: undefined, kept: 0, asked: new Map(), validators: new Map() },
  }
  let restUntilMs = 0
  let timer: NodeJS.Timeout | undefined
  const looking = heads.subscribe(async ({ number }) => {
    const nowMs = performance.now()
    if (tenure.ended) return
    if (nowMs < restUntilMs) {
      clearTimeout(timer)
      timer = setTimeout(looking.wake, restUntilMs - nowMs)
      return
    }
    restUntilMs = nowMs + LOOK_MS
    await search(book, number)
    if (!isUnderWay(tenure)) await act(book)
  })
  const unfollow = checkpoints.onSigned((messageId) => {
    for (const message of book.view.messages.values()) {
      if (message.messageId !== messageId) continue
      book.asked.delete(message.place)
      looking.wake()
    }
  })
  const stop = () => {
    clearTimeout(timer)
    unfollow()
    looking.end()
  }
  return { stop }
}

/** Takes what the chain said since the last search. */
async function search(book: Book, headNumber: number): Promise<void> {
  const { tenure, chain, view } = book
  const { redis, keys } = tenure
  const key = keys.early(chain.chainId)
  book.next ??= Number((await redis.get(key)) ?? 0)
  // A chain may go back: the last blocks are read again.
  const from = Math.max(0, book.next - chain.reorgPeriod)
  for (const [start, end] of blockRanges(from, headNumber, BLOCKS_PER_QUERY)) {
    for (const event of await readEarlyEvents(chain, start, end)) takeEarly(view, event)
    book.next = end + 1
  }
  for (const place of book.asked.keys()) if (!view.messages.has(place)) book.asked.delete(place)
  const cursor = Math.max(0, earlyCursor(view, headNumber) - chain.reorgPeriod)
  if (cursor < book.kept + CURSOR_LAG) return
  await redis.set(key, `${cursor}`)
  book.kept = cursor
}

async function act(book: Book): Promise<void> {
  const { tenure, chain, view } = book
  await showCaps(book)
  const { proven, contradicted } = await proofsNow(book)
  if (proven.length > 0) {
    const data = encodeFunctionData({
      abi: earlyMessagesAbi,
      functionName: 'confirm',
      args: [proven.map(({ message }) => message.place), proven.map(({ proof }) => proof)],
    })
    await send(book, { to: chain.earlyMessages, data })
  }
  for (const { message, proof } of contradicted) await expose(book, message, proof)
  if (chain.hubVault === undefined || view.held.size === 0) return
  const below = await readEarly(book, 'confirmedBelow', [])
  for (const { place } of releasable(view, below).slice(0, RELEASES_MAX)) {
    if (tenure.ended) return
    const data = encodeFunctionData({ abi: hubVaultAbi, functionName: 'release', args: [place] })
    await send(book, { to: chain.hubVault, data })
  }
}

type Found = { message: EarlyMessage; proof: Proof }

/** What validators signed at the nonces of open messages: those messages, or others. */
async function proofsNow(book: Book): Promise<{ proven: Found[]; contradicted: Found[] }> {
  const nowMs = performance.now()
  const due = [...book.view.messages.values()].filter(({ place }) => {
    return (book.asked.get(place)?.nextMs ?? 0) <= nowMs
  })
  const found = await Promise.all(
    due.slice(0, ASKED_MAX).map(async (message): Promise<Found[]> => {
      const proof = await proofOf(book, message)
      const waitMs = book.asked.get(message.place)?.waitMs ?? ASK_AGAIN_MS.first
      const later = Math.min(waitMs * 2, ASK_AGAIN_MS.max)
      book.asked.set(message.place, { nextMs: nowMs + waitMs, waitMs: later })
      return proof === undefined ? [] : [{ message, proof }]
    }),
  )
  const isIt = ({ message, proof }: Found) => proof.messageId === message.messageId
  const all = found.flat()
  return {
    proven: all.filter(isIt).slice(0, BATCH_MAX),
    contradicted: all.filter((one) => !isIt(one)),
  }
}

async function proofOf(book: Book, message: EarlyMessage): Promise<Proof | undefined> {
  const { tenure, chain, validators } = book
  const origin = tenure.chains.get(message.origin)
  if (origin === undefined) return undefined
  const known = validators.get(message.origin)
  const fresh = known !== undefined && performance.now() - known.atMs < VALIDATORS_TTL_MS
  const found = fresh ? known.found : await readValidators(chain, message.origin)
  if (!fresh) validators.set(message.origin, { atMs: performance.now(), found })
  return await proofAt(tenure.checkpoints, origin, { message, validators: found })
}

/** Pauses a route on which the sequencer delivered what nobody sent. */
async function expose(book: Book, message: EarlyMessage, proof: Proof): Promise<void> {
  const { tenure, chain } = book
  if (await readEarly(book, 'isPaused', [message.origin])) return
  const { messageId, origin, nonce } = message
  tenure.log.error(
    { chain: chain.name, origin, nonce, messageId, sentId: proof.messageId },
    'forged message found',
  )
  tenure.metrics.forgeries.inc({ chain: chain.name, origin: `${origin}` })
  const bytes = await deliveredBytes(chain, message)
  if (bytes === undefined) return
  const data = encodeFunctionData({
    abi: earlyMessagesAbi,
    functionName: 'proveForged',
    args: [bytes, proof],
  })
  await send(book, { to: chain.earlyMessages, data })
}

/** Signs a call for the lane's next nonce; like every transaction it is written down before it goes out. */
async function send(book: Book, call: { to: Address; data: Hex }): Promise<void> {
  const { tenure, chain, pump } = book
  const { ledger, ledgerPolicy, store, fence, signer, log } = tenure
  const trial = await estimate(chain, { from: signer.address, ...call })
  if (trial.status === 'reverts') {
    log.warn({ chain: chain.name, to: call.to, text: trial.text }, 'confirmation would revert')
    return
  }
  const fee = await feeNow(tenure)
  if (fee.status !== 'ok') {
    tenure.held = fee.text
    return
  }
  if (ledger.size === 0) tenure.view = await readView(tenure, signer.address)
  const nonce = nextNonce(ledger, tenure.view, ledgerPolicy)
  if (nonce === undefined || tenure.ended) return
  const entry: LedgerEntry = {
    ...{ nonce, txUuid: randomUUID(), purpose: 'confirm', messageIds: [] },
    ...{ state: 'reserved', attempts: [] },
  }
  ledger.set(nonce, entry)
  if ((await store.write(fence, [store.put(entry)])) !== 'ok') return lost(tenure)
  await signEntry(tenure, entry, { ...call, gas: trial.gas }, fee.fee)
  pump.run()
}

/** One transaction at a time: the next one is about what it left open. */
function isUnderWay({ ledger }: Tenure): boolean {
  return [...ledger.values()].some(
    ({ purpose, state }) => purpose === 'confirm' && state !== 'mined',
  )
}

/** Shows how much of each route's cap is used. */
async function showCaps(book: Book): Promise<void> {
  const { tenure, chain, view } = book
  const { metrics, chains } = tenure
  metrics.earlyOpen.set({ chain: chain.name }, view.messages.size)
  const origins = new Set([...view.messages.values()].map(({ origin }) => origin))
  for (const chainId of origins) {
    const [cap6, unconfirmed6] = await readEarly(book, 'fastCap', [chainId, USD])
    const labels = { chain: chain.name, origin: chains.get(chainId)?.name ?? `${chainId}` }
    metrics.earlyCap.set(labels, Number(cap6) / MICRO)
    metrics.earlyUsed.set(labels, Number(unconfirmed6) / MICRO)
  }
}

async function readEarly<const N extends 'confirmedBelow' | 'isPaused' | 'fastCap'>(
  { chain }: Book,
  functionName: N,
  args: Parameters<typeof readContract<typeof earlyMessagesAbi, N>>[1]['args'],
) {
  const { rpc, earlyMessages: address } = chain
  return await readContract(rpc, { address, abi: earlyMessagesAbi, functionName, args })
}
