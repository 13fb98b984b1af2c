import { ETHEREUM_CHAIN_ID, isSequenced, type LocalChain } from '../../sdk/protocol/chains.ts'
import { NetworkOptionsError } from './options-error.ts'

/** What a rollup shall have in place of its own chain id and the network's base fee. */
export type ChainChange = {
  /** Name of the rollup, as in `alpha`. */
  name: string
  chainId: number
  /** Wei per gas; absent: what the sequencer is set to. */
  baseFeePerGasWei?: number | undefined
}

const FEE_WEI_MAX = 1_000_000_000_000_000
const WEI_PER_GWEI = 1_000_000_000

/**
 * Reads what `--chain` takes: `alpha=1:200gwei` is chain id 1 and a base fee of 200 gwei.
 *
 * @throws {@link NetworkOptionsError} when the text has another form or the fee is out of range.
 */
export function readChainChange(text: string): ChainChange {
  const found = /^([a-z][a-z0-9]{0,31})=(\d{1,9})(?::(\d{1,16})(gwei|wei))?$/.exec(text)
  const [, name = '', chainId, fee, unit] = found ?? []
  if (found === null) {
    throw new NetworkOptionsError('A chain is given as name=id or name=id:fee.', [
      `given: ${text}`,
      'example: alpha=1:200gwei',
    ])
  }
  if (fee === undefined) return { name, chainId: Number(chainId) }
  const baseFeePerGasWei = Number(fee) * (unit === 'gwei' ? WEI_PER_GWEI : 1)
  if (baseFeePerGasWei >= 1 && baseFeePerGasWei <= FEE_WEI_MAX) {
    return { name, chainId: Number(chainId), baseFeePerGasWei }
  }
  throw new NetworkOptionsError('The base fee of a chain is out of range.', [
    `given: ${text}; allowed: 1 to ${FEE_WEI_MAX} wei`,
  ])
}

/**
 * Gives the chains of a new network with some of them changed.
 *
 * @throws {@link NetworkOptionsError} when a change names no rollup of the network, names one twice,
 * or asks for a chain id of which no genesis is kept.
 */
export function applyChainChanges(
  chains: readonly LocalChain[],
  changes: readonly ChainChange[],
): LocalChain[] {
  const names = changes.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new NetworkOptionsError('A chain is changed once.', [`twice: ${twice}`])
  }
  for (const { name, chainId } of changes) {
    const chain = chains.find((candidate) => candidate.name === name)
    if (chain === undefined || !isSequenced(chain.kind)) {
      const known = chains.filter(({ kind }) => isSequenced(kind)).map((known) => known.name)
      throw new NetworkOptionsError('The network has no such rollup.', [
        `given: ${name}; rollups: ${known.join(', ')}`,
      ])
    }
    const ids = chain.kind === 'hub' ? [chain.chainId] : [chain.chainId, ETHEREUM_CHAIN_ID]
    if (ids.includes(chainId)) continue
    throw new NetworkOptionsError('No genesis is kept for that chain id.', [
      `given: ${name}=${chainId}; allowed: ${ids.join(', ')}`,
    ])
  }
  const ethereum = changes.filter(({ chainId }) => chainId === ETHEREUM_CHAIN_ID)
  if (ethereum.length > 1) {
    throw new NetworkOptionsError('Chain ids are unique.', [
      `${ETHEREUM_CHAIN_ID} is given to ${ethereum.map(({ name }) => name).join(' and ')}`,
    ])
  }
  return chains.map((chain) => ({
    ...chain,
    ...changes.find(({ name }) => name === chain.name),
  }))
}

/** Says in what a network differs from the changes that were asked for; empty when in nothing. */
export function faultsOfChanges(
  chains: readonly LocalChain[],
  changes: readonly ChainChange[],
): string[] {
  return changes.flatMap((change) => {
    const chain = chains.find(({ name }) => name === change.name)
    const same =
      chain?.chainId === change.chainId && chain.baseFeePerGasWei === change.baseFeePerGasWei
    return same ? [] : [`${change.name}: ${shown(chain)}; asked for: ${shown(change)}`]
  })
}

function shown(chain: Omit<LocalChain, 'name' | 'kind'> | undefined): string {
  if (chain === undefined) return 'none'
  const { chainId, baseFeePerGasWei } = chain
  return `id ${chainId}, ${baseFeePerGasWei === undefined ? 'no base fee' : `${baseFeePerGasWei} wei`}`
}
