import { privateKeyToAccount } from 'viem/accounts'
import {
  type FeedUpdate,
  type SignedFeedUpdate,
  feedUpdateTypes,
  tandemDomain,
} from '../../sdk/protocol/feeds.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import { ConfigError } from '../../sdk/process/config-error.ts'

/** Signs feed updates with as many feed keys as a network asks for. */
export type FeedSigner = (update: FeedUpdate) => Promise<SignedFeedUpdate>

/**
 * Makes a signer of feed updates: EIP-712 over the network's domain, by the first `threshold` keys,
 * in ascending order of their addresses.
 *
 * @throws {@link ConfigError} when there are fewer different keys than the threshold.
 */
export function feedSigner(options: {
  logId: Hash
  privateKeys: readonly Hex[]
  threshold: number
}): FeedSigner {
  const { logId, privateKeys, threshold } = options
  const accounts = [...new Set(privateKeys)]
    .slice(0, threshold)
    .map((key) => privateKeyToAccount(key))
  if (accounts.length < threshold) {
    throw new ConfigError('There are fewer feed keys than an update needs.', [
      `keys: ${accounts.length}; needed: ${threshold}`,
    ])
  }
  const ordered = accounts.toSorted((a, b) =>
    a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1,
  )
  const domain = tandemDomain(logId)
  return async (update) => {
    const message = {
      ...update,
      timestampMs: BigInt(update.timestampMs),
      expiries: [...update.expiries],
    }
    const signatures = await Promise.all(
      ordered.map((account) =>
        account.signTypedData({
          domain,
          types: feedUpdateTypes,
          primaryType: 'FeedUpdate',
          message,
        }),
      ),
    )
    return { update, signatures }
  }
}
