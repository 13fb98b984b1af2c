import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { ConfigError } from '../../sdk/process/config-error.ts'
import type { Hex } from '../../sdk/protocol/hex.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { chainOf, type CoreConfig } from '../core/config.ts'
import { BLOCK_GAS_LIMIT, coreConfig, GENESIS_TIMESTAMP_S, readSettings } from '../shell/config.ts'
import { createAnvilDriver } from '../shell/drivers/anvil-driver.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import { decodeTransaction } from '../shell/drivers/transaction.ts'
import { readMarks } from '../shell/marks.ts'
import type { FollowRules } from './rules.ts'

/** A follower of one network with nodes of its own, of which none is started yet. */
export type Follower = {
  rules: FollowRules
  /** keccak256 of the genesis file of each rollup. */
  genesisHashes: ReadonlyMap<number, string>
  /** Ends the nodes. */
  stop: () => Promise<void>
}

/**
 * Makes a follower of a network.
 *
 * @param options.genesis - Directory with the genesis file of each rollup, `<chain id>.json`.
 * @param options.directory - Where the nodes live meanwhile.
 * @param options.execute - Without it there are no nodes, and nothing is executed.
 * @throws ConfigError when a genesis file is absent or not the network's.
 */
export function openFollower(options: {
  network: Network
  genesis: string
  directory: string
  execute: boolean
}): Follower {
  const { network, genesis, directory, execute } = options
  const config = coreConfig(network, readSettings())
  const chains = execute ? config.chains : []
  const genesisHashes = new Map(
    chains.map(({ chainId }) => [chainId, genesisHash(network, genesis, chainId)]),
  )
  const drivers = new Map<number, ChainDriver>()
  const rules: FollowRules = {
    ...{ config, drivers, marksOf: readMarks },
    legOf: (chainId, rawTx) => legOf(config, chainId, rawTx),
  }
  for (const { chainId, baseFeePerGas } of chains) {
    const driver = createAnvilDriver({
      ...{ chainId, baseFeePerGas, gasLimit: BLOCK_GAS_LIMIT },
      genesisFile: join(genesis, `${chainId}.json`),
      genesisTimestampS: GENESIS_TIMESTAMP_S,
      directory: join(directory, 'nodes'),
      snapshotDirectory: join(directory, 'snapshots', `${chainId}`),
      pidFile: join(directory, 'pids.json'),
      alert: () => undefined,
    })
    drivers.set(chainId, driver)
  }
  const stop = async () => {
    await Promise.all([...drivers.values()].map((driver) => driver.stop()))
  }
  return { rules, genesisHashes, stop }
}

function legOf(config: CoreConfig, chainId: number, rawTx: Hex) {
  const baseFeePerGas = chainOf(config, chainId)?.baseFeePerGas ?? 0n
  return decodeTransaction(rawTx, { chainId, baseFeePerGas, gasMax: BigInt(LIMITS.legGas) })
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
