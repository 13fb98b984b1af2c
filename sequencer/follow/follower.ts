import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { ConfigError } from '../../sdk/process/config-error.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { CoreConfig } from '../core/config.ts'
import { BLOCK_GAS_LIMIT, GENESIS_TIMESTAMP_S } from '../shell/config.ts'
import { createAnvilDriver } from '../shell/drivers/anvil-driver.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'

/**
 * Makes drivers of fresh nodes for every rollup; nothing is started yet.
 *
 * @param places.genesis - Directory with the genesis file of each rollup, `<chain id>.json`.
 * @param places.directory - Where the nodes live meanwhile.
 */
export function freshDrivers(
  config: CoreConfig,
  { genesis, directory }: { genesis: string; directory: string },
): Map<number, ChainDriver> {
  return new Map(
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
}

/**
 * Reads the rollups' genesis files and gives their hashes.
 *
 * @throws ConfigError when one is absent or not the network's.
 */
export function genesisHashesOf(
  network: Network,
  config: CoreConfig,
  directory: string,
): Map<number, string> {
  return new Map(
    config.chains.map(({ chainId }) => [chainId, genesisHash(network, directory, chainId)]),
  )
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
