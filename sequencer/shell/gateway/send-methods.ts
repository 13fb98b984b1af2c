import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { encodeRefusal } from '../../../sdk/protocol/wire.ts'
import { decodeTransaction, type TransactionRules } from '../drivers/transaction.ts'
import { quantity, receiptJson } from '../history/ethereum-format.ts'
import type { History, TransactionPlace } from '../history/history.ts'
import { RefusedError, type SequencerPort } from '../port.ts'
import { conditionShape, readCondition } from './condition-shape.ts'
import { method, type RpcMethod } from './json-rpc.ts'
import { countShape } from './shapes.ts'
import { StandardRpcError } from './standard-error.ts'

/** What the methods that send transactions work with. */
export type SendMethodsOptions = {
  rules: TransactionRules
  history: History
  sequencer: Pick<SequencerPort, 'acceptTransaction' | 'pendingNonce' | 'sendBundle'>
}

/** Codes of EIP-7966. */
const syncCode = { timeout: 4, nonceGap: 6 } as const

/** Makes the methods that take signed transactions for one rollup. */
export function sendMethods(options: SendMethodsOptions): [string, RpcMethod][] {
  const { rules, sequencer } = options
  return [
    [
      'eth_sendRawTransaction',
      method(
        z.tuple([z.string()]),
        async ([rawTx]) => {
          const leg = decodeTransaction(rawTx, rules)
          await sequencer.acceptTransaction(leg)
          return leg.hash
        },
        { signed: true },
      ),
    ],
    [
      'eth_sendRawTransactionSync',
      method(
        z.tuple([z.string(), countShape.nullish()]),
        ([rawTx, timeoutMs]) => sendSync(options, rawTx, timeoutMs ?? LIMITS.rpcSyncMsDefault),
        { signed: true },
      ),
    ],
    [
      'eth_sendRawTransactionConditional',
      method(
        z.tuple([z.string(), conditionShape]),
        ([rawTx, condition]) => sendConditional(options, rawTx, condition),
        { signed: true },
      ),
    ],
  ]
}

/** Takes a transaction that stands only while a condition holds where it stands (ERC-7796). */
async function sendConditional(
  { rules, sequencer }: SendMethodsOptions,
  rawTx: string,
  request: z.output<typeof conditionShape>,
): Promise<Hash> {
  const leg = decodeTransaction(rawTx, rules)
  const condition = { ...readCondition(request, 'params.1'), chainId: leg.chainId }
  try {
    await sequencer.sendBundle({ legs: [leg], canRevert: [true], conditional: [condition] })
    return leg.hash
  } catch (error) {
    if (error instanceof RefusedError && error.errorName === 'CONDITION_FAILED') {
      const { refusal, shortMessage } = error
      const data = { name: error.errorName, values: error.values, refusal: encodeRefusal(refusal) }
      throw new StandardRpcError(rejected, `transaction rejected: ${shortMessage}`, { data })
    }
    throw error
  }
}

/** Code of ERC-7796 for a condition that does not hold. */
const rejected = -32_003

/** Takes a transaction and answers with its receipt once its block is published (EIP-7966). */
async function sendSync(
  { rules, history, sequencer }: SendMethodsOptions,
  rawTx: string,
  timeoutMs: number,
): Promise<unknown> {
  const leg = decodeTransaction(rawTx, rules)
  const { chainId, from, nonce, hash } = leg
  const expected = await sequencer.pendingNonce(chainId, from)
  if (nonce > expected) {
    const message = `nonce too high: nonce ${nonce} leaves a gap, expected ${expected}`
    const refused = new TandemError('NONCE_GAP', { nonce, sender: from, chainId, expected })
    throw new StandardRpcError(syncCode.nonceGap, message, { data: quantity(expected), refused })
  }
  const limit = Math.min(timeoutMs, LIMITS.rpcSyncMsMax)
  const waiting = whenPublished(history, { chainId, hash, limitMs: limit })
  try {
    await Promise.race([sequencer.acceptTransaction(leg), waiting.place])
    const place = await waiting.place
    if (place !== undefined) return receiptJson(chainId, place.entry, place.index)
  } finally {
    waiting.end()
  }
  const message = `the transaction was taken and is in no published block after ${limit} ms`
  throw new StandardRpcError(syncCode.timeout, message, { data: hash })
}

/** Waits for a transaction's block; undefined when the time is over. */
function whenPublished(
  history: History,
  { chainId, hash, limitMs }: { chainId: number; hash: Hash; limitMs: number },
): { place: Promise<TransactionPlace | undefined>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<TransactionPlace | undefined>()
  const look = () => {
    const place = history.chain(chainId)?.transaction(hash)
    if (place !== undefined) resolve(place)
  }
  const stop = history.onSuperblock(look)
  const timer = setTimeout(() => resolve(undefined), limitMs)
  look()
  return {
    place: promise,
    end: () => {
      stop()
      clearTimeout(timer)
    },
  }
}
