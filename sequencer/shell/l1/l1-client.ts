import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { L1Origin } from '../../../sdk/protocol/slot.ts'

/** A log of `l1` as its node gives it. */
export type L1Log = {
  address: Address
  topics: readonly Hash[]
  data: Hex
  blockNumber: number
  transactionHash: Hash
}

/** Which logs are asked for; block numbers include both ends. */
export type L1LogQuery = {
  address: Address
  /** First topic. */
  event: Hash
  fromBlock: number
  toBlock: number
}

/** The few questions that are asked of the settlement chain. Every method may throw {@link L1Error}. */
export type L1Client = {
  head: () => Promise<L1Origin & { baseFeePerGas: bigint }>
  /** Hash of the block at a height; undefined when there is none. */
  hashAt: (number: number) => Promise<Hash | undefined>
  /** Result of a call at the head. */
  call: (to: Address, data: Hex) => Promise<Hex>
  logs: (query: L1LogQuery) => Promise<readonly L1Log[]>
  /** Calldata of a mined transaction; undefined when there is none. */
  inputOf: (transaction: Hash) => Promise<Hex | undefined>
  /** Transactions that an address has in blocks. */
  nonceOf: (address: Address) => Promise<number>
  send: (rawTx: Hex) => Promise<Hash>
}

const timeoutMs = 10_000

/** Opens access to the settlement chain; nothing is sent until the first question. */
export function createL1Client(url: string): L1Client {
  let id = 0
  const ask = async <T>(method: string, params: readonly unknown[]): Promise<T> => {
    id += 1
    const answer = await exchange<T>(url, { jsonrpc: '2.0', id, method, params })
    if (answer.error !== undefined) throw new L1Error(method, answer.error.message, true)
    return answer.result as T
  }
  type Block = { number: Hex; hash: Hash; baseFeePerGas?: Hex }
  return {
    head: async () => {
      const { number, hash, baseFeePerGas } = await ask<Block>('eth_getBlockByNumber', [
        'latest',
        false,
      ])
      return { number: Number(number), hash, baseFeePerGas: BigInt(baseFeePerGas ?? 0) }
    },
    hashAt: async (number) =>
      (await ask<Block | null>('eth_getBlockByNumber', [quantity(number), false]))?.hash,
    call: (to, data) => ask<Hex>('eth_call', [{ to, data }, 'latest']),
    logs: async ({ address, event, fromBlock, toBlock }) => {
      type NodeLog = Omit<L1Log, 'blockNumber'> & { blockNumber: Hex }
      const range = { fromBlock: quantity(fromBlock), toBlock: quantity(toBlock) }
      const rows = await ask<readonly NodeLog[]>('eth_getLogs', [
        { address, topics: [event], ...range },
      ])
      return rows.map((row) => ({ ...row, blockNumber: Number(row.blockNumber) }))
    },
    inputOf: async (transaction) =>
      (await ask<{ input: Hex } | null>('eth_getTransactionByHash', [transaction]))?.input,
    nonceOf: async (address) =>
      Number(await ask<Hex>('eth_getTransactionCount', [address, 'latest'])),
    send: (rawTx) => ask<Hash>('eth_sendRawTransaction', [rawTx]),
  }
}

type Answer<T> = { result?: T; error?: { message: string } }

type Request = { jsonrpc: string; id: number; method: string; params: readonly unknown[] }

async function exchange<T>(url: string, request: Request): Promise<Answer<T>> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(timeoutMs),
    })
    return (await response.json()) as Answer<T>
  } catch (cause) {
    throw new L1Error(request.method, (cause as Error).message, false, cause)
  }
}

function quantity(value: number): Hex {
  return `0x${value.toString(16)}`
}

/** The settlement chain did not answer, or refused a question. */
export class L1Error extends BaseError {
  override readonly name = 'L1Error'
  /** True when the node answered: with an error. */
  readonly refused: boolean

  constructor(method: string, reason: string, refused: boolean, cause?: unknown) {
    super(`The settlement chain did not answer ${method}.`, {
      code: 'L1',
      retryable: true,
      metaMessages: [reason],
      cause,
    })
    this.refused = refused
  }
}
