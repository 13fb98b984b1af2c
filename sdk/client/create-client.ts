import {
  createPublicClient,
  defineChain,
  http,
  type Chain,
  type LocalAccount,
  type PublicClient,
  type Transport,
} from 'viem'
import { BaseError } from '../protocol/errors.ts'
import type { Network, NetworkChain } from '../protocol/network.ts'
import { rpcCaller, type RpcCall } from './rpc.ts'

/** What every action of the SDK works on. */
export type TandemClient = {
  readonly network: Network
  /** Signs legs and orders; absent in a client that only reads. */
  readonly account: LocalAccount | undefined
  /** Calls the gateway's own methods. */
  readonly rpc: RpcCall
  /** Gives the description of a chain by id or name. */
  readonly chain: (idOrName: number | string) => NetworkChain
  /** Gives a viem client of a chain by id or name; a sequenced one is reached at the gateway. */
  readonly on: (idOrName: number | string) => PublicClient<Transport, Chain>
  /**
   * Runs what takes nonces on chains, after everything before it on any of them: so concurrent
   * actions of one client never take a nonce twice.
   */
  readonly inTurn: <T>(chainIds: readonly number[], run: () => Promise<T>) => Promise<T>
}

/** Asked for a chain that the network file does not name. */
export class UnknownChainError extends BaseError {
  override readonly name = 'UnknownChainError'

  constructor(asked: number | string, known: readonly NetworkChain[]) {
    super(`The network has no chain ${asked}.`, {
      code: 'UNKNOWN_CHAIN',
      retryable: false,
      metaMessages: [
        `It has ${known.map(({ name, chainId }) => `${name} (${chainId})`).join(', ')}.`,
      ],
    })
  }
}

/** The action signs something and the client has no account. */
export class NoAccountError extends BaseError {
  override readonly name = 'NoAccountError'

  constructor() {
    super('This action signs, and the client was made without an account.', {
      code: 'NO_ACCOUNT',
      retryable: false,
    })
  }
}

/**
 * Makes a client of one network.
 *
 * @param options.network - The parsed network file, see `networkSchema`.
 * @param options.account - A viem local account, for actions that sign.
 * @param options.timeoutMs - Time after which one call is given up. Default 10,000 ms.
 */
export function createTandemClient(options: {
  network: Network
  account?: LocalAccount | undefined
  timeoutMs?: number | undefined
}): TandemClient {
  const { network, account, timeoutMs = 10_000 } = options
  const clients = new Map<number, PublicClient<Transport, Chain>>()

  const chain = (idOrName: number | string): NetworkChain => {
    const found = network.chains.find((c) => c.chainId === idOrName || c.name === idOrName)
    if (!found) throw new UnknownChainError(idOrName, network.chains)
    return found
  }
  const on = (idOrName: number | string): PublicClient<Transport, Chain> => {
    const { chainId, name, rpcUrl } = chain(idOrName)
    const known = clients.get(chainId)
    if (known) return known
    const made: PublicClient<Transport, Chain> = createPublicClient({
      chain: defineChain({
        id: chainId,
        name,
        nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
        rpcUrls: { default: { http: [rpcUrl] } },
      }),
      transport: http(rpcUrl, { timeout: timeoutMs, retryCount: 0 }),
      pollingInterval: 100,
      cacheTime: 0,
    })
    clients.set(chainId, made)
    return made
  }
  const rpc = rpcCaller(network.sequencer.rpcUrl, timeoutMs)
  return { network, account, rpc, chain, on, inTurn: turns() }
}

function turns(): TandemClient['inTurn'] {
  const last = new Map<number, Promise<unknown>>()
  return (chainIds, run) => {
    const before = chainIds.map((chainId) => last.get(chainId) ?? Promise.resolve())
    const turn = Promise.allSettled(before).then(run)
    for (const chainId of chainIds) last.set(chainId, turn)
    return turn
  }
}

/** Gives the client's account. @throws {@link NoAccountError} when it has none. */
export function signer(client: TandemClient): LocalAccount {
  if (!client.account) throw new NoAccountError()
  return client.account
}
