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
  /** On the hub: the contracts whose events tell claims, positions and credit. */
  books?: readonly Address[] | undefined
  /** Sells delivery in the slot; absent where it is free. */
  sequencedHook?: Address | undefined
  /** Takes signed marks; absent where no marks are kept. */
  markFeeds?: Address | undefined
  /** Calls accounts and sells them; on the hub. */
  liquidationAuction?: Address | undefined
  /** Credit contracts: a joint bundle needs every message to one of them delivered in its slot. */
  credit: readonly Address[]
  /** Calls whose lane is not the regular one. */
  laneCalls: readonly LaneCall[]
  /** Runs the intents of forced entries; absent where none are taken. */
  bundleExecutor?: Address | undefined
  /** Hands items between legs; absent where none are. */
  slotInbox?: Address | undefined
  /** Recipients that insist on validators' signatures: their messages go by relayer at once. */
  byRelayer: readonly Address[]
}

/** A contract's function that belongs into lane 1 or 2, wherever it is called from. */
export type LaneCall = { to: Address; selector: Hex; lane: 1 | 2 }

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
  /**
   * Settlement blocks within which a forced entry stands in the log: a slot takes no notice of a
   * settlement block before all that was forced this many blocks earlier.
   */
  forcedWithinBlocks: number
}

/** The chain with the pool's books. */
export function hubOf(config: CoreConfig): CoreChain | undefined {
  return config.chains.find(({ isHub }) => isHub)
}

/** Finds a chain of the configuration. */
export function chainOf(config: CoreConfig, chainId: number): CoreChain | undefined {
  return config.chains.find((chain) => chain.chainId === chainId)
}
