import { privateKeyToAccount } from 'viem/accounts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { EMPTY_ROOT } from '../../../sdk/protocol/merkle.ts'
import { slotBatchDigest, type PostedSlot } from '../../../sdk/protocol/posting.ts'
import { L1Error, type L1Client } from '../l1/l1-client.ts'
import type { LogStore } from '../log/log-store.ts'
import type { SignDigest } from '../signing.ts'
import { packBatch, postedSlot } from './batch.ts'
import { postCalldata, type Ledger, type LedgerPosition } from './ledger.ts'

/** What {@link createPoster} needs. */
export type PosterOptions = {
  logId: Hash
  log: LogStore
  l1: L1Client
  l1ChainId: number
  ledger: Ledger
  ledgerAddress: Address
  /** By the key that signs receipts. */
  signDigest: SignDigest
  /** Pays for the transactions and decides nothing. */
  posterKey: Hex
  /** Height of the last slot that every reader sees: nothing later is posted. */
  publishedSlot: () => number
  /** What `l1` is told of a slot, where that is known without its record. */
  known: (height: number) => PostedSlot | undefined
  /** Milliseconds by a clock that only runs. */
  elapsedMs: () => number
  /** Milliseconds between two batches while one is not full. */
  intervalMs: number
  observe: (event: PosterEvent) => void
}

/** What an operator may want to know. */
export type PosterEvent =
  | { type: 'sent'; firstSlot: number; slots: number; bytes: number; hash: Hash }
  | { type: 'refused'; firstSlot: number; reason: string }

/** Brings the log to `l1`. */
export type Poster = {
  /**
   * Looks where `l1` stands and sends the next batch when it is due. Nothing is remembered that `l1`
   * does not say: killed at any place, the next turn goes on without a gap or a second copy.
   *
   * @throws {@link LedgerConflictError} when `l1` holds other slots than this log.
   * @throws {@link L1Error} when `l1` does not answer.
   */
  turn: (head: { baseFeePerGas: bigint }) => Promise<LedgerPosition>
}

/** A transaction that was sent and is not seen in a block yet. */
type Sent = { firstSlot: number; nonce: number; atMs: number; attempt: number }

/** Time after which a transaction that is in no block is replaced, at a higher price. */
const patienceMs = 20_000
/** Gas of a batch besides its bytes. */
const fixedGas = 500_000n
/** Most that one byte of calldata costs (EIP-7623), in gas. */
const byteGas = 40n
const attemptsMax = 20

/** Makes the poster of a log. */
export function createPoster(options: PosterOptions): Poster {
  const { l1, ledger, publishedSlot, elapsedMs, intervalMs, observe } = options
  const account = privateKeyToAccount(options.posterKey)
  let sent: Sent | undefined
  let checked = -1
  let lastBatchMs = Number.NEGATIVE_INFINITY

  const send = async (position: LedgerPosition, baseFeePerGas: bigint, attempt: number) => {
    const { logId, log, ledgerAddress, l1ChainId, signDigest, known } = options
    const range = { from: position.nextSlot, until: publishedSlot() }
    const { tipHash: parentHash } = position
    const { batch, data } = await packBatch(log, logId, { range, parentHash, known })
    const signature = signDigest(slotBatchDigest(logId, batch, data))
    const nonce = await l1.nonceOf(account.address)
    const bytes = (data.length - 2) / 2
    // A replacement is taken at a tenth more; an eighth more each time is above that.
    const price = (2n * baseFeePerGas * (8n + BigInt(Math.min(attempt, attemptsMax)))) / 8n + 1n
    const rawTx = await account.signTransaction({
      type: 'eip1559',
      chainId: l1ChainId,
      nonce,
      to: ledgerAddress,
      data: postCalldata(batch, data, signature),
      gas: fixedGas + byteGas * BigInt(bytes),
      maxFeePerGas: price,
      maxPriorityFeePerGas: price / 2n,
    })
    sent = { firstSlot: range.from, nonce, atMs: elapsedMs(), attempt }
    const hash = await l1.send(rawTx)
    observe({ type: 'sent', firstSlot: range.from, slots: batch.count, bytes, hash })
  }

  /** Says whether the transaction that was sent last still may come into a block. */
  const underWay = async ({ nextSlot }: LedgerPosition): Promise<boolean> => {
    if (sent === undefined) return false
    if (nextSlot > sent.firstSlot) {
      sent = undefined
      return false
    }
    if ((await l1.nonceOf(account.address)) > sent.nonce) {
      observe({ type: 'refused', firstSlot: sent.firstSlot, reason: 'it reverted' })
      sent = undefined
      return false
    }
    return elapsedMs() - sent.atMs < patienceMs
  }

  return {
    turn: async ({ baseFeePerGas }) => {
      const position = await ledger.position()
      if (position.nextSlot !== checked) await checkTip(options, position)
      checked = position.nextSlot
      if (await underWay(position)) return position
      if (position.nextSlot > publishedSlot()) return position
      if (elapsedMs() - lastBatchMs < intervalMs) return position
      try {
        await send(position, baseFeePerGas, (sent?.attempt ?? -1) + 1)
        lastBatchMs = elapsedMs()
      } catch (error) {
        if (!(error instanceof L1Error) || !error.refused) throw error
        const reason = error.metaMessages.join(' ')
        observe({ type: 'refused', firstSlot: position.nextSlot, reason })
        // An earlier process's transaction may hold the nonce: a higher price takes its place.
        if (sent !== undefined) sent = { ...sent, atMs: Number.NEGATIVE_INFINITY }
      }
      return position
    },
  }
}

/** What is on `l1` must be the beginning of this log: a second history is never signed. */
async function checkTip(
  { log, logId }: PosterOptions,
  { nextSlot, tipHash }: LedgerPosition,
): Promise<void> {
  if (nextSlot === 0) {
    if (tipHash !== EMPTY_ROOT) throw new LedgerConflictError(-1, tipHash, EMPTY_ROOT)
    return
  }
  const height = nextSlot - 1
  const bytes = await log.readOne(height)
  const own = bytes === undefined ? undefined : postedSlot(logId, height, bytes).slotHash
  if (own !== tipHash) throw new LedgerConflictError(height, tipHash, own ?? 'no such slot')
}

/** `l1` holds other slots than this log: it is another network's, or acknowledged slots are lost. */
export class LedgerConflictError extends BaseError {
  override readonly name = 'LedgerConflictError'

  constructor(height: number, onL1: string, own: string) {
    super('The log is not the one that is posted on l1.', {
      code: 'LEDGER_CONFLICT',
      retryable: false,
      metaMessages: [`slot: ${height}; on l1: ${onL1}; in the log: ${own}`],
    })
  }
}
