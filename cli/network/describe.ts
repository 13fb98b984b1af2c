import { isSequenced, type LocalChain } from '../../sdk/protocol/chains.ts'
import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import { ASSETS, OPTIONS_EXCHANGE, UNDERLYINGS, protocolIdOf } from './genesis/market.ts'
import type { PortPlan } from './port-plan.ts'

/** Feed keys of the local network and how many of them sign an update. */
const FEEDS = { roles: ['feed-0', 'feed-1', 'feed-2'], threshold: 2 } as const

/**
 * Blocks on a chain that mines its own: a block is written to disk before the next one is mined, so
 * what lies under one more block outlives a crash of the node.
 */
const STANDALONE_REORG_PERIOD = 1

/** Gives the public description of a local network. */
export function describeNetwork(options: {
  logId: Hash
  chains: readonly LocalChain[]
  /** Chain id to keccak256 of its genesis file. */
  genesisHashes: ReadonlyMap<number, Hash>
  /** Chain id to contracts by name. */
  contracts: ReadonlyMap<number, Readonly<Record<string, Address>>>
  ports: PortPlan
}): Network {
  const { logId, chains, genesisHashes, ports } = options
  const contracts = (chainId: number) => options.contracts.get(chainId)!
  return {
    version: 1,
    local: true,
    logId,
    chains: chains.map((chain) => ({
      ...chain,
      ...urlsOf(chain, ports),
      genesisHash: genesisHashes.get(chain.chainId)!,
      contracts: contracts(chain.chainId),
      reorgPeriod: isSequenced(chain.kind) ? 0 : STANDALONE_REORG_PERIOD,
    })),
    sequencer: {
      rpcUrl: `${http(ports.gateway)}/`,
      wsUrl: `${ws(ports.gateway)}/`,
      address: developmentKey('sequencer').address,
      system: developmentKey('system').address,
      risk: developmentKey('risk').address,
    },
    relayer: { url: http(ports.relayer) },
    validators: chains.map(({ chainId }) => ({
      chainId,
      url: http(ports.validators.get(chainId)!),
      address: developmentKey(`validator-${chainId}`).address,
    })),
    publisher: {
      url: http(ports.publisher),
      feeds: FEEDS.roles.map((role) => developmentKey(role).address),
      threshold: FEEDS.threshold,
    },
    redis: { url: `redis://127.0.0.1:${ports.redis}` },
    assets: ASSETS.map(({ id, symbol, underlying, decimals, contract }) => ({
      id,
      symbol,
      ...(underlying === undefined ? {} : { underlying }),
      tokens: Object.fromEntries(
        chains.flatMap(({ chainId }) => {
          const address = contracts(chainId)[contract]
          return address === undefined ? [] : [[`${chainId}`, { address, decimals }]]
        }),
      ),
    })),
    underlyings: UNDERLYINGS.map((underlying) => ({ ...underlying })),
    protocols: chains.flatMap(({ chainId }) => {
      const address = contracts(chainId)[OPTIONS_EXCHANGE.contract]
      const { name } = OPTIONS_EXCHANGE
      return address === undefined ? [] : [{ id: protocolIdOf(chainId), chainId, name, address }]
    }),
  }
}

function urlsOf({ chainId, kind }: LocalChain, ports: PortPlan) {
  if (isSequenced(kind)) {
    const path = `/chain/${chainId}`
    return { rpcUrl: `${http(ports.gateway)}${path}`, wsUrl: `${ws(ports.gateway)}${path}` }
  }
  const port = ports.standalone.get(chainId)!
  return { rpcUrl: http(port), wsUrl: ws(port) }
}

function http(port: number): string {
  return `http://127.0.0.1:${port}`
}

function ws(port: number): string {
  return `ws://127.0.0.1:${port}`
}
