import type { RelayerConfig } from '../config.ts'
import { redisKeys } from './keys.ts'
import { connectPatiently } from './redis.ts'

/** Kinds of keys that can be made anew from the chains. */
const REBUILT = [
  'message',
  'stage',
  'work',
  'cursor',
  'blocks',
  'leaves',
  'payments',
  'ledger',
] as const
const PAGE = 1_000

/**
 * Forgets every record of a network's relayers; those that run search their origins again from the
 * first block, and deliver nothing that the destination has.
 *
 * @returns the number of keys that were forgotten.
 */
export async function forgetRecords(
  config: Pick<RelayerConfig, 'redis' | 'logId'>,
): Promise<number> {
  const redis = connectPatiently(config.redis)
  const base = redisKeys(config.logId).records.replace(/message:$/, '')
  let forgotten = 0
  try {
    for (const kind of REBUILT) {
      let cursor = '0'
      do {
        const [next, found] = await redis.scan(cursor, 'MATCH', `${base}${kind}:*`, 'COUNT', PAGE)
        cursor = next
        if (found.length > 0) forgotten += await redis.unlink(...found)
      } while (cursor !== '0')
    }
  } finally {
    redis.disconnect()
  }
  return forgotten
}
