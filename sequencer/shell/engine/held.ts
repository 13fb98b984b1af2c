import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { transactionEntryId } from '../../../sdk/protocol/entry.ts'
import { userLegs } from '../../core/entry.ts'
import type { WaitingTransaction } from '../waiting/waiting-room.ts'
import type { Engine } from './engine.ts'

/**
 * Keeps a transaction that waits for its nonce and tells those who sent it that it is taken: it must
 * survive a crash before anybody is told.
 */
export async function keepHeld(
  { state, options, answers }: Engine,
  { entryId, waiters }: { entryId: Hash; waiters: readonly number[] },
): Promise<void> {
  const entry = state.pending.get(entryId)
  const leg = entry === undefined ? undefined : userLegs(entry)[0]
  if (entry === undefined || leg === undefined) return
  const { chainId, rawTx } = leg
  const waits = (transaction: WaitingTransaction) =>
    isWaiting({ state, options }, transaction) && transaction.untilSlot > state.height
  await options.waiting.keep({ chainId, rawTx, untilSlot: entry.deadlineSlot }, waits)
  answers.held(waiters)
}

function isWaiting(
  { state, options }: Pick<Engine, 'state' | 'options'>,
  { chainId, rawTx }: WaitingTransaction,
): boolean {
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
  for (const { chainId, rawTx, untilSlot } of options.waiting.found) {
    if (untilSlot <= state.height) continue
    try {
      const leg = options.decodeLeg(chainId, rawTx)
      const requestId = answers.wait({ receipt: ignore, reject: ignore })
      engine.dispatch({ type: 'transaction', requestId, leg })
    } catch (error) {
      // Rules may have become tighter: it would be refused today.
      if (!(error instanceof TandemError)) throw error
    }
  }
}
