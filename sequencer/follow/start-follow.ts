import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keccak256 } from 'viem/utils'
import { ConfigError } from '../../sdk/process/config-error.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { BLOCK_GAS_LIMIT, coreConfig, GENESIS_TIMESTAMP_S, readSettings } from '../shell/config.ts'
import { createAnvilDriver } from '../shell/drivers/anvil-driver.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import { createL1Client } from '../shell/l1/l1-client.ts'
import { openLedger } from '../shell/posting/ledger.ts'
import { follow, type Followed, type FollowProgress } from './follow.ts'

/**
 * Follows a network on nodes of its own, and ends them.
 *
 * @param options.genesis - Directory with the genesis file of each rollup, `<chain id>.json`.
 * @param options.directory - Where the nodes live meanwhile.
 * @param options.l1Url - Where `l1` is asked; default what the network's description says.
 * @throws LieError when the log says what is not so.
 * @throws ConfigError when the network has no ledger or a genesis file is not the network's.
 */
export async function followNetwork(options: {
  network: Network
  genesis: string
  directory: string
  l1Url?: string | undefined
  until?: number | undefined
  progress: (at: FollowProgress) => void
}): Promise<Followed> {
  const { network, genesis, directory, until, progress } = options
  const settlement = network.chains.find(({ kind }) => kind === 'settlement')
  const address = settlement?.contracts['slotLedger'] as Address | undefined
  if (settlement === undefined || address === undefined) {
    throw new ConfigError('The network posts nothing: its settlement chain has no ledger of slots.')
  }
  const config = coreConfig(network, readSettings())
  const genesisHashes = new Map(
    config.chains.map(({ chainId }) => [chainId, genesisHash(network, genesis, chainId)]),
  )
  const drivers = new Map<number, ChainDriver>(
    config.chains.map(({ chainId, baseFeePerGas }) => [
      chainId,
      createAnvilDriver({
        chainId,
        genesisFile: join(genesis, `${chainId}.json`),
        genesisTimestampS: GENESIS_TIMESTAMP_S,
        baseFeePerGas,
        gasLimit: BLOCK_GAS_LIMIT,
        directory: join(directory, 'nodes'),
        snapshotDirectory: join(directory, 'snapshots', `${chainId}`),
        pidFile: join(directory, 'pids.json'),
        alert: () => undefined,
      }),
    ]),
  )
  const l1 = createL1Client(options.l1Url ?? settlement.rpcUrl)
  try {
    const ledger = openLedger(l1, address)
    return await follow({ config, l1, ledger, drivers, genesisHashes, until, progress })
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.stop()))
  }
}

/** Reads a genesis file and checks that it is the network's. */
function genesisHash(network: Network, directory: string, chainId: number): string {
  const path = join(directory, `${chainId}.json`)
  const expected = network.chains.find((chain) => chain.chainId === chainId)?.genesisHash
  let actual: string
  try {
    actual = keccak256(readFileSync(path))
  } catch (error) {
    throw new ConfigError(`The genesis of chain ${chainId} cannot be read.`, [path], error)
  }
  if (actual === expected) return actual
  throw new ConfigError(`The genesis of chain ${chainId} is not the network’s.`, [
    `${path}: ${actual}; network: ${expected}`,
  ])
}
