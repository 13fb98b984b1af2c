/** A token of the local network as the pool sees it. */
export type LocalAsset = {
  /** Asset id in the pool. */
  id: number
  symbol: string
  name: string
  /** Underlying whose spot prices it; absent for the numéraire. */
  underlying?: number | undefined
  decimals: number
  /** Name under which the network file lists the token's contract. */
  contract: string
}

/** Underlyings that the local network has marks for. */
export const UNDERLYINGS = [
  { id: 1, symbol: 'BTC' },
  { id: 2, symbol: 'ETH' },
] as const

/** Tokens that every chain but `l1` has: plain ERC-20s that the faucet may mint. */
export const ASSETS: readonly LocalAsset[] = [
  { id: 1, symbol: 'USDC', name: 'USD Coin (local)', decimals: 6, contract: 'usdc' },
  {
    id: 2,
    symbol: 'WETH',
    name: 'Wrapped Ether (local)',
    underlying: 2,
    decimals: 18,
    contract: 'weth',
  },
]

/** The options exchange that every rollup but the hub has. */
export const OPTIONS_EXCHANGE = { name: 'options-exchange', contract: 'optionsExchange' } as const

/** Protocol id of a rollup's options exchange. */
export function protocolIdOf(chainId: number): number {
  return chainId * 10 + 1
}
