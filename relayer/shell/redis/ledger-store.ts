import type { Redis } from 'ioredis'
import { commit, type CommitStatus, type Fence, type Write } from './commit.ts'
import type { RedisKeys } from './keys.ts'
import type { LedgerEntry, NonceLedger } from '../../core/nonce-ledger.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'

/** The nonce ledger of one signer on one chain, in Redis: written before it is acted upon. */
export type LedgerStore = {
  load: () => Promise<NonceLedger>
  /** The write that stores an entry, to go along with a record's change. */
  put: (entry: LedgerEntry) => Write
  /** The write that forgets a nonce. */
  drop: (nonce: number) => Write
  /** Writes entries by themselves. */
  write: (fence: Fence, writes: readonly Write[]) => Promise<CommitStatus>
  /** Says whether a nonce is in use for a transaction. */
  holds: (nonce: number, txUuid: string) => Promise<boolean>
}

/** Version that stands in front of each stored entry. */
const ENTRY_VERSION = 1

/** Opens the ledger of a signer on a chain. */
export function openLedgerStore(options: {
  redis: Redis
  keys: RedisKeys
  chainId: number
  signer: Address
}): LedgerStore {
  const { redis, keys, chainId, signer } = options
  const key = keys.ledger(chainId, signer)
  const load = async () => {
    const fields = await redis.hgetall(key)
    const ledger: NonceLedger = new Map()
    for (const [field, value] of Object.entries(fields)) {
      if (/^\d+$/.test(field)) ledger.set(Number(field), parseEntry(value))
    }
    return ledger
  }
  return {
    load,
    put: (entry) => [
      'HSET',
      key,
      `${entry.nonce}`,
      JSON.stringify({ version: ENTRY_VERSION, ...entry }),
    ],
    drop: (nonce) => ['HDEL', key, `${nonce}`],
    write: (fence, writes) => commit(redis, { primary: key, fence, checks: [], writes }),
    holds: async (nonce, txUuid) => {
      const value = await redis.hget(key, `${nonce}`)
      return value !== null && parseEntry(value).txUuid === txUuid
    },
  }
}

function parseEntry(text: string): LedgerEntry {
  const { version, ...entry } = JSON.parse(text) as LedgerEntry & { version: number }
  if (version === ENTRY_VERSION) return entry
  throw new LedgerVersionError(version)
}

/** A ledger entry was written by another version of this program. */
export class LedgerVersionError extends BaseError {
  override readonly name = 'LedgerVersionError'

  constructor(version: unknown) {
    super('An entry of the nonce ledger has an unknown version.', {
      code: 'LEDGER_VERSION',
      retryable: false,
      metaMessages: [
        `version: ${JSON.stringify(version)}; this program reads version ${ENTRY_VERSION}`,
      ],
    })
  }
}
