import type { LedgerEntry } from '../../core/nonce-ledger.ts'
import { sendOutcomeOf, type SendOutcome } from '../../core/send-errors.ts'
import type { RpcAnswer } from '../chains/rpc.ts'
import { bumpEntry, giveBack } from './sign.ts'
import { writeEntry, type Tenure } from './tenure.ts'

/** Transactions in one request: nodes keep the order of an array up to this size. */
const SEND_MAX = 20
const RETRY_MS = { transient: 250, gap: 250, unfunded: 2_000 }

/** Sends what is signed, in the order of nonces, one request at a time. */
export type Pump = { run: () => void; stop: () => Promise<void> }

/** Makes the pump of a tenure; whoever signs something runs it. */
export function createPump(tenure: Tenure, onError: (error: unknown) => void): Pump {
  let pumping: Promise<void> | undefined
  let again = false
  let timer: NodeJS.Timeout | undefined

  const drain = async () => {
    while (again && !tenure.ended) {
      again = false
      const waitMs = await sendAll(tenure)
      if (waitMs !== undefined && !tenure.ended) {
        clearTimeout(timer)
        timer = setTimeout(run, waitMs)
      }
    }
  }
  const run = () => {
    again = true
    pumping ??= drain()
      .catch((error: unknown) => {
        onError(error)
        if (!tenure.ended) timer = setTimeout(run, RETRY_MS.transient)
      })
      .finally(() => {
        pumping = undefined
        if (again && !tenure.ended) run()
      })
  }
  return {
    run,
    stop: async () => {
      clearTimeout(timer)
      await pumping
    },
  }
}

/** Sends until nothing is left that may go; gives the milliseconds to wait when something must. */
async function sendAll(tenure: Tenure): Promise<number | undefined> {
  for (;;) {
    const batch = sendable(tenure)
    if (batch.length === 0 || tenure.ended) return undefined
    const calls = batch.map(({ attempts }) => ({
      method: 'eth_sendRawTransaction',
      params: [attempts.at(-1)?.rawTx],
    }))
    const answers = await tenure.chain.rpc.ordered(calls)
    tenure.faultpoint('broadcast')
    const waits = await Promise.all(batch.map((entry, i) => settleSend(tenure, entry, answers[i])))
    const longest = waits.reduce((most: number, wait) => Math.max(most, wait ?? 0), 0)
    if (longest > 0) return longest
  }
}

/** The next transactions: unsent, and with every nonce below them on its way. */
function sendable({ ledger, view, unsent }: Tenure): readonly LedgerEntry[] {
  const batch: LedgerEntry[] = []
  const top = Math.max(...unsent, -1)
  for (let nonce = view.latest; nonce <= top && batch.length < SEND_MAX; nonce++) {
    const entry = ledger.get(nonce)
    // What the pool holds and the ledger lost is on its way too.
    if (entry === undefined && nonce < view.pending) continue
    if (entry === undefined || entry.state === 'reserved') break
    if (unsent.has(nonce)) batch.push(entry)
  }
  return batch
}

/** Acts on a node's answer; gives the milliseconds to wait before more is sent. */
async function settleSend(
  tenure: Tenure,
  entry: LedgerEntry,
  answer: RpcAnswer | undefined,
): Promise<number | undefined> {
  const { ledger, unsent, heads, log, lane, chain } = tenure
  const outcome = outcomeOf(answer)
  const text = answer?.status === 'error' ? answer.error.rpcMessage : ''
  if (outcome !== 'accepted') {
    log.debug(
      { chain: chain.name, lane, nonce: entry.nonce, outcome, text },
      'transaction not accepted',
    )
  }
  // A replacement that was signed meanwhile is not what this answer is about.
  const current = ledger.get(entry.nonce)
  if (current === undefined || current.attempts.length !== entry.attempts.length) return undefined
  switch (outcome) {
    case 'accepted': {
      tenure.held = undefined
      unsent.delete(entry.nonce)
      if (current.state === 'mined') return undefined
      const broadcastAt = heads.latest()?.number ?? 0
      const sent: LedgerEntry = { ...current, state: 'broadcast', broadcastAt }
      ledger.set(entry.nonce, sent)
      const transactionHash = entry.attempts.at(-1)?.hash ?? '0x'
      await writeEntry(tenure, sent, { type: 'broadcast', transactionHash })
      return undefined
    }
    case 'nonce_used':
      // The next look at the chain finds out by which transaction.
      unsent.delete(entry.nonce)
      return undefined
    case 'underpriced':
      await bumpEntry(tenure, current)
      return undefined
    case 'unfunded':
      tenure.held = `the signer cannot pay: ${text}`
      return RETRY_MS.unfunded
    case 'refused':
      await giveBack(tenure, current, { why: text, mayRelease: true })
      return undefined
    case 'nonce_gap':
      return RETRY_MS.gap
    case 'transient':
      return RETRY_MS.transient
  }
}

function outcomeOf(answer: RpcAnswer | undefined): SendOutcome {
  if (answer?.status === 'ok') return 'accepted'
  if (answer === undefined) return 'transient'
  const { rpcCode: code, rpcMessage: message } = answer.error
  return sendOutcomeOf({ code, message })
}
