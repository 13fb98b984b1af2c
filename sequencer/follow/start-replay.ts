import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../sdk/process/config-error.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { coreConfig, readSettings } from '../shell/config.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import { openDisk } from '../shell/log/disk.ts'
import { readFileLog } from '../shell/log/file-log.ts'
import type { Followed, FollowProgress } from './follow.ts'
import { freshDrivers, genesisHashesOf } from './follower.ts'
import { replayLog } from './replay.ts'

/**
 * Replays the log of a sequencer, which may be running: what it appends meanwhile is not looked at.
 *
 * @param options.state - The sequencer's directory.
 * @param options.execute - Derives every block again, on nodes of its own that live in `directory`.
 * @throws LieError with the first difference; LogError when the log is not whole.
 * @throws ConfigError when there is no log or a genesis file is not the network's.
 */
export async function replayNetwork(options: {
  network: Network
  state: string
  genesis: string
  directory: string
  execute: boolean
  until?: number | undefined
  progress: (at: FollowProgress) => void
}): Promise<Followed> {
  const { network, state, genesis, directory, execute, until, progress } = options
  const place = join(state, 'log')
  if (!existsSync(place)) throw new ConfigError('There is no log to replay.', [place])
  const config = coreConfig(network, readSettings())
  const genesisHashes = execute ? genesisHashesOf(network, config, genesis) : new Map()
  const log = await readFileLog(await openDisk(place))
  const drivers = execute
    ? freshDrivers(config, { genesis, directory })
    : new Map<number, ChainDriver>()
  try {
    return await replayLog({ config, log, drivers, genesisHashes, until, progress })
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.stop()))
  }
}
