import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'

/** One sequenced rollup as the core sees it. Addresses are lower case. */
export type CoreChain = {
  chainId: number
  isHub: boolean
  /** Wei per gas, constant. */
  baseFeePerGas: bigint
  /** Gas of one block. */
  gasLimit: bigint
  coinbase: Address
  mailbox: Address
  slotContext: Address
  /** Takes signed marks; absent where no marks are kept. */
  markFeeds?: Address | undefined
  /** Credit contracts: a joint bundle needs every message to one of them delivered in its slot. */
  credit: readonly Address[]
  /** Recipients that insist on validators' signatures: their messages go by relayer at once. */
  byRelayer: readonly Address[]
}

/** What the core is made with; constant for one log. */
export type CoreConfig = {
  logId: Hash
  /** Signs receipts: the slots' leader. */
  leader: Address
  /** Sends the slots' system legs and nothing else. Lower case. */
  system: Address
  /** Ascending by chain id. */
  chains: readonly CoreChain[]
  /** Selector of the hub's `checkAfter`, whose first argument is the account. */
  checkAfterSelector: Hex
  /** Least milliseconds between two slots that carry entries. */
  slotIntervalMs: number
  /** Milliseconds after which a superblock closes. */
  superblockMs: number
  /** Milliseconds without an entry after which a superblock closes at once. */
  idleCloseMs: number
  /** Milliseconds after which a rollup without a block gets one. */
  heartbeatMs: number
}

/** Finds a chain of the configuration. */
export function chainOf(config: CoreConfig, chainId: number): CoreChain | undefined {
  return config.chains.find((chain) => chain.chainId === chainId)
}
