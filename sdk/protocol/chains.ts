/** What a chain is to Tandem. */
export type ChainKind = 'settlement' | 'hub' | 'rollup' | 'foreign'

/** One chain of the local network. The Hyperlane domain equals the chain id. */
export type LocalChain = {
  name: string
  chainId: number
  kind: ChainKind
  /** Constant base fee, wei per gas; absent where the network was not asked for one. */
  baseFeePerGasWei?: number | undefined
}

/** Chain id that one rollup of the local network may have in place of its own: Ethereum's. */
export const ETHEREUM_CHAIN_ID = 1

/** Sequenced rollups besides the hub that the local genesis knows: alpha, beta, gamma, … */
export const ROLLUP_NAMES = [
  'alpha',
  'beta',
  'gamma',
  'delta',
  'epsilon',
  'zeta',
  'eta',
  'theta',
] as const

/**
 * Gives the chains of a local network.
 *
 * @param rollups - Sequenced rollups besides the hub, 1 to 8.
 */
export function localChains(rollups: number): LocalChain[] {
  return [
    { name: 'l1', chainId: 900, kind: 'settlement' },
    { name: 'hub', chainId: 901, kind: 'hub' },
    ...ROLLUP_NAMES.slice(0, rollups).map((name, i): LocalChain => ({
      name,
      chainId: 902 + i,
      kind: 'rollup',
    })),
    { name: 'outland', chainId: 990, kind: 'foreign' },
  ]
}

/** Says whether the sequencer's log makes this chain's blocks. */
export function isSequenced(kind: ChainKind): boolean {
  return kind === 'hub' || kind === 'rollup'
}
