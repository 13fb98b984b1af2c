import {
  ETHEREUM_CHAIN_ID,
  localChains,
  ROLLUP_NAMES,
  type LocalChain,
} from '../../../sdk/protocol/chains.ts'

/**
 * Every chain that the local genesis is made for, whatever part of them a network starts.
 *
 * Routes and contracts know all of them, so that adding a rollup changes no other chain's genesis.
 */
export const GENESIS_CHAINS: readonly LocalChain[] = [
  ...localChains(ROLLUP_NAMES.length),
  { name: 'ethereum', chainId: ETHEREUM_CHAIN_ID, kind: 'rollup' },
]
