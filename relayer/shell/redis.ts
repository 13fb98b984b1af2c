import { Redis } from 'ioredis'
import { ConfigError } from '../../sdk/process/config-error.ts'

const RETRY_MS_MAX = 500

/**
 * Opens a connection for work that waits until Redis is there again.
 *
 * @param options.pipelining - True to send the commands of one turn of the event loop together.
 */
export function connectPatiently(url: string, options: { pipelining: boolean }): Redis {
  return new Redis(url, {
    maxRetriesPerRequest: null,
    enableAutoPipelining: options.pipelining,
    retryStrategy: (tries) => Math.min(50 * tries, RETRY_MS_MAX),
  })
}

/** Opens a connection for answers that rather fail than wait: health and the API. */
export function connectImpatiently(url: string): Redis {
  return new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 2_000,
    retryStrategy: (tries) => Math.min(50 * tries, RETRY_MS_MAX),
  })
}

/**
 * Refuses a Redis that would forget: the nonce ledger lives in it.
 *
 * @throws {@link ConfigError} when it evicts keys or does not write its append-only file at once.
 */
export async function requireDurableRedis(redis: Redis): Promise<void> {
  const required = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
  const faults: string[] = []
  for (const [name, wanted] of Object.entries(required)) {
    const answer = (await redis.config('GET', name)) as string[]
    const actual = answer[1] ?? 'unknown'
    if (actual !== wanted) faults.push(`${name}: ${actual}; required: ${wanted}`)
  }
  if (faults.length > 0) {
    throw new ConfigError('Redis would lose what the relayer relies on.', faults)
  }
}
