import type { Hash } from '../../../sdk/protocol/hex.ts'
import { refusalDigest } from '../../../sdk/protocol/receipt-hash.ts'
import type { SignedReceipt, SignedRefusal } from '../../../sdk/protocol/receipt.ts'
import type { Fault } from '../../core/entries/entry.ts'
import type { Preview } from '../../core/input.ts'
import { RefusedError, type CancelledBundle } from '../port.ts'
import type { SignDigest } from '../signing.ts'

type Waiter = {
  receipt?: ((receipt: SignedReceipt) => void) | undefined
  /** The entry waits for its nonce, block or time, and survives a crash. */
  held?: ((entryId: Hash) => void) | undefined
  preview?: ((preview: Preview) => void) | undefined
  cancelled?: ((cancelled: CancelledBundle) => void) | undefined
  reject: (error: unknown) => void
}

/** Requests that wait for their answer, by number. */
export type Answers = {
  /** Adds a waiter and gives its number. */
  wait: (waiter: Waiter) => number
  receipt: (requestIds: readonly number[], receipt: SignedReceipt) => void
  /** Says whether one of the requests is answered as soon as its entry waits. */
  answersHeld: (requestIds: readonly number[]) => boolean
  held: (requestIds: readonly number[], entryId: Hash) => void
  preview: (requestId: number, preview: Preview) => void
  cancelled: (requestId: number, cancelled: CancelledBundle) => void
  refuse: (requestIds: readonly number[], refusal: SignedRefusal) => void
  /** Ends every wait with an error. */
  abandon: (error: unknown) => void
}

/** Keeps the requests that wait. */
export function createAnswers(): Answers {
  const waiters = new Map<number, Waiter>()
  let next = 1
  const each = (requestIds: readonly number[], act: (waiter: Waiter) => void) => {
    for (const requestId of requestIds) {
      const waiter = waiters.get(requestId)
      waiters.delete(requestId)
      if (waiter !== undefined) act(waiter)
    }
  }
  return {
    wait: (waiter) => {
      waiters.set(next, waiter)
      return next++
    },
    receipt: (requestIds, receipt) => each(requestIds, (waiter) => waiter.receipt?.(receipt)),
    answersHeld: (requestIds) =>
      requestIds.some((requestId) => waiters.get(requestId)?.held !== undefined),
    held: (requestIds, entryId) => {
      for (const requestId of requestIds) waiters.get(requestId)?.held?.(entryId)
    },
    preview: (requestId, preview) => each([requestId], (waiter) => waiter.preview?.(preview)),
    cancelled: (requestId, cancelled) =>
      each([requestId], (waiter) => waiter.cancelled?.(cancelled)),
    refuse: (requestIds, refusal) =>
      each(requestIds, (waiter) => waiter.reject(new RefusedError(refusal))),
    abandon: (error) => each([...waiters.keys()], (waiter) => waiter.reject(error)),
  }
}

/** Signs a refusal. */
export function signRefusal(
  signDigest: SignDigest,
  refusal: { logId: Hash; requestHash: Hash; fault: Fault; slot: number; issuedAtMs: number },
): SignedRefusal {
  const { logId, requestHash, fault, slot, issuedAtMs } = refusal
  const unsigned = {
    version: 1 as const,
    requestHash,
    error: fault.error,
    values: fault.values,
    slot: BigInt(slot),
    issuedAtMs,
  }
  return { ...unsigned, signature: signDigest(refusalDigest(logId, unsigned)) }
}
