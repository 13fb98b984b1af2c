import { z } from 'zod'

const address = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)])
const hash = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)])
const url = z.url()

const token = z.strictObject({ address, decimals: z.int().min(0).max(18) })

const chain = z.strictObject({
  name: z.string().min(1).max(32),
  chainId: z.int().positive(),
  kind: z.enum(['settlement', 'hub', 'rollup', 'foreign']),
  /** Where everybody reaches the chain: for a sequenced one the gateway's `/chain/<id>`. */
  rpcUrl: url,
  wsUrl: url.optional(),
  /** Hash of the genesis file of this chain. */
  genesisHash: hash,
  /** Contract name to address: Hyperlane's and Tandem's, behind proxies. */
  contracts: z.record(z.string(), address),
  /** Constant base fee of a sequenced chain, wei per gas; absent: what the sequencer is set to. */
  baseFeePerGasWei: z.int().min(1).max(1_000_000_000_000_000).optional(),
  /** Blocks after which this chain's messages count as final. */
  reorgPeriod: z.int().min(0),
})

const asset = z.strictObject({
  id: z.int().min(1).max(65_535),
  symbol: z.string().min(1).max(16),
  /** Underlying whose spot prices the asset; absent for the numéraire. */
  underlying: z.int().min(1).max(65_535).optional(),
  /** Chain id to token. */
  tokens: z.record(z.string(), token),
})

const underlying = z.strictObject({
  id: z.int().min(1).max(65_535),
  symbol: z.string().min(1).max(16),
})

const protocol = z.strictObject({
  id: z.int().min(1).max(4_294_967_295),
  chainId: z.int().positive(),
  name: z.string().min(1).max(64),
  address,
})

/** Schema of `.tandem/network.json`, version 1: the one public description of a network. */
export const networkSchema = z.strictObject({
  version: z.literal(1),
  /** True for a network that this machine's `tandem` started: development keys are accepted. */
  local: z.boolean(),
  /** Binds every signed object to this network: keccak256 of genesis hashes, configuration, salt. */
  logId: hash,
  chains: z.array(chain).min(2).max(64),
  sequencer: z.strictObject({
    rpcUrl: url,
    wsUrl: url,
    /** Signs receipts and refusals. */
    address,
    /** Sends the slots' system legs. */
    system: address,
    /** Signs margin attestations. */
    risk: address,
  }),
  relayer: z.strictObject({ url }),
  validators: z.array(z.strictObject({ chainId: z.int().positive(), url, address })),
  publisher: z.strictObject({ url, feeds: z.array(address), threshold: z.int().min(1) }),
  redis: z.strictObject({ url }),
  assets: z.array(asset),
  underlyings: z.array(underlying),
  protocols: z.array(protocol),
})

/** A network as every program sees it. */
export type Network = z.infer<typeof networkSchema>

/** One chain of a network. */
export type NetworkChain = Network['chains'][number]
