import { Redis } from 'ioredis'
import { ConfigError } from '../../../sdk/process/config-error.ts'

const RETRY_MS_MAX = 500

/** Where Redis is: one server, or a master that sentinels know. */
export type RedisPlace =
  | { url: string }
  | { sentinels: readonly { host: string; port: number }[]; name: string; db: number }

/** Opens a connection for work that waits until Redis is there again. */
export function connectPatiently(place: RedisPlace): Redis {
  return open(place, { maxRetriesPerRequest: null, enableAutoPipelining: true })
}

/** Opens a connection for answers that rather fail than wait: health and the API. */
export function connectImpatiently(place: RedisPlace): Redis {
  return open(place, { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 2_000 })
}

function open(
  place: RedisPlace,
  options:
    | { maxRetriesPerRequest: null; enableAutoPipelining: boolean }
    | { maxRetriesPerRequest: number; enableOfflineQueue: boolean; commandTimeout: number },
): Redis {
  const retryStrategy = (tries: number) => Math.min(50 * tries, RETRY_MS_MAX)
  const all = { ...options, retryStrategy }
  if ('url' in place) return new Redis(place.url, all)
  const { sentinels, name, db } = place
  return new Redis({
    ...all,
    ...{ sentinels: [...sentinels], name, db, sentinelRetryStrategy: retryStrategy },
    // A master that became a replica takes no writes: find the new one.
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
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
