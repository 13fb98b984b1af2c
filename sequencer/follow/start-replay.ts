import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../sdk/process/config-error.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { openDisk } from '../shell/log/disk.ts'
import { readFileLog } from '../shell/log/file-log.ts'
import { openFollower } from './follower.ts'
import { replayLog } from './replay.ts'
import type { Followed, FollowProgress } from './walk.ts'

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
  const { state, until, progress } = options
  const place = join(state, 'log')
  if (!existsSync(place)) throw new ConfigError('There is no log to replay.', [place])
  const { rules, genesisHashes, stop } = openFollower(options)
  try {
    const log = await readFileLog(await openDisk(place))
    return await replayLog({ rules, log, genesisHashes, until, progress })
  } finally {
    await stop()
  }
}
