import { ConfigError } from '../../sdk/process/config-error.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { openInbox } from '../shell/l1/inbox.ts'
import { createL1Client } from '../shell/l1/l1-client.ts'
import { openLedger } from '../shell/posting/ledger.ts'
import { openFollower } from './follower.ts'
import { follow } from './follow.ts'
import type { Followed, FollowProgress } from './walk.ts'

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
  const { network, until, progress } = options
  const settlement = network.chains.find(({ kind }) => kind === 'settlement')
  const address = settlement?.contracts['slotLedger'] as Address | undefined
  if (settlement === undefined || address === undefined) {
    throw new ConfigError('The network posts nothing: its settlement chain has no ledger of slots.')
  }
  const { rules, genesisHashes, stop } = openFollower({ ...options, execute: true })
  const l1 = createL1Client(options.l1Url ?? settlement.rpcUrl)
  try {
    const ledger = openLedger(l1, address)
    const inboxAddress = settlement.contracts['bundleInbox'] as Address | undefined
    const inbox = inboxAddress === undefined ? undefined : openInbox(l1, inboxAddress)
    return await follow({ rules, l1, ledger, inbox, genesisHashes, until, progress })
  } finally {
    await stop()
  }
}
