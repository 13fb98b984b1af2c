import type {
  Abi,
  ContractFunctionArgs,
  ContractFunctionName,
  ContractFunctionReturnType,
} from 'viem'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import { createProviders, type Providers } from './providers.ts'
import type { Rpc, TransportFault } from './rpc.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { ConfigError } from '../../../sdk/process/config-error.ts'
import { contractAddress } from '../../../sdk/process/network.ts'
import type { NetworkChain } from '../../../sdk/protocol/network.ts'

/** One chain of the network, with the way to it and the addresses that relaying needs. */
export type Chain = {
  name: string
  chainId: number
  reorgPeriod: number
  wsUrl?: string | undefined
  /** The way to the chain: one provider, or several of which each may fail. */
  rpc: Rpc
  providers: Providers
  /** Whole token units from which two providers must show a message. */
  voteAbove: bigint
  /** Told each time that providers contradict each other. */
  onDisagreement?: ((chain: string) => void) | undefined
  mailbox: Address
  merkleTreeHook: Address
  validatorAnnounce: Address
  /** Contract that delivers many messages at once; without it each goes by itself. */
  deliveryBatch: Address | undefined
  /** Counts what is accepted on the sequencer's word; only rollups have it. */
  earlyMessages: Address | undefined
  /** Holds payments until such messages are confirmed; only the hub has it. */
  hubVault: Address | undefined
  /** Hyperlane's gas paymaster, whose payments count for rules of payment. */
  gasPaymaster: Address | undefined
  /** Every contract that the network file names here, in lower case. */
  contracts: ReadonlySet<Address>
}

/** A block's head fields. */
export type BlockHead = {
  number: number
  hash: Hash
  parentHash: Hash
  timestampS: number
  baseFeePerGas: bigint
  gasLimit: bigint
}

/** A chain of the network file, with what a relayer's operator says of it besides. */
export type RelayedChain = NetworkChain & {
  /** Further providers, asked when the first does not answer. */
  otherRpcUrls?: readonly string[] | undefined
  voteAbove?: number | undefined
}

/** Who is told of what happens between a chain's providers and us. */
export type ChainObserver = {
  onRequest?: (chain: string, method: string, status: 'success' | 'failure') => void
  onFault?: (chain: string, provider: string, kind: TransportFault) => void
  onDisagreement?: (chain: string) => void
}

const VOTE_ABOVE_DEFAULT = 10_000

/** Opens a chain of the network file. */
export function openChain(described: RelayedChain, observer: ChainObserver = {}): Chain {
  const { name, chainId, reorgPeriod, wsUrl, rpcUrl, otherRpcUrls = [], contracts } = described
  const { onRequest, onFault, onDisagreement } = observer
  const providers = createProviders({
    chainId,
    urls: [rpcUrl, ...otherRpcUrls],
    onRequest: onRequest && ((method, status) => onRequest(name, method, status)),
    onFault: onFault && ((provider, kind) => onFault(name, provider, kind)),
  })
  const addresses = Object.values(contracts).map((address) => address.toLowerCase() as Address)
  return {
    name,
    chainId,
    reorgPeriod,
    wsUrl,
    rpc: providers,
    providers,
    voteAbove: BigInt(described.voteAbove ?? VOTE_ABOVE_DEFAULT),
    onDisagreement,
    mailbox: contractAddress(described, 'mailbox'),
    merkleTreeHook: contractAddress(described, 'merkleTreeHook'),
    validatorAnnounce: contractAddress(described, 'validatorAnnounce'),
    deliveryBatch: contracts['deliveryBatch'],
    earlyMessages: contracts['earlyMessages'],
    hubVault: contracts['hubVault'],
    gasPaymaster: contracts['interchainGasPaymaster'],
    contracts: new Set(addresses),
  }
}

/**
 * Makes sure that an RPC serves the chain that it is said to; one that does not answer may do so later.
 *
 * @throws {@link ConfigError} when it serves another.
 */
export async function requireOwnChain({ name, chainId, providers }: Chain): Promise<void> {
  const asked = providers.all().map(async (provider, i) => {
    const actual = await provider.call<Hex>('eth_chainId', []).catch(() => undefined)
    if (actual === undefined || Number(actual) === chainId) return []
    const place = i === 0 ? `chains.${name}.rpcUrl` : `chains.${name}.rpcUrls[${i}]`
    return [`${place}: serves ${Number(actual)}; expected ${chainId}`]
  })
  const faults = (await Promise.all(asked)).flat()
  if (faults.length === 0) return
  throw new ConfigError('An RPC serves another chain than the one it is named for.', [
    ...faults,
    'hint: compare the URL with the one of the network file',
  ])
}

/** Names a block for a call: by hash, so that no other block can answer for it. */
export type At = { blockHash: Hash } | 'latest'

/** Calls a view function. */
export async function readContract<
  const A extends Abi,
  N extends ContractFunctionName<A, 'view' | 'pure'>,
>(
  rpc: Rpc,
  request: {
    address: Address
    abi: A
    functionName: N
    args: ContractFunctionArgs<A, 'view' | 'pure', N>
    at?: At | undefined
  },
): Promise<ContractFunctionReturnType<A, 'view' | 'pure', N>> {
  const { address, abi, functionName, args, at = 'latest' } = request
  const data = encodeFunctionData({ abi, functionName, args } as never)
  const result = await rpc.call<Hex>('eth_call', [{ to: address, data }, at])
  return decodeFunctionResult({ abi, functionName, data: result } as never) as never
}

/** Gets a block's head; undefined when the chain has none of that number. */
export async function readHead(rpc: Rpc, block: number | 'latest'): Promise<BlockHead | undefined> {
  const tag = block === 'latest' ? block : `0x${block.toString(16)}`
  const found = await rpc.call<Record<string, string> | null>('eth_getBlockByNumber', [tag, false])
  if (found === null) return undefined
  return {
    number: Number(found['number']),
    hash: found['hash'] as Hash,
    parentHash: found['parentHash'] as Hash,
    timestampS: Number(found['timestamp']),
    baseFeePerGas: BigInt(found['baseFeePerGas'] ?? '0x0'),
    gasLimit: BigInt(found['gasLimit'] ?? '0x0'),
  }
}
