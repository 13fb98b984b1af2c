import { createHash } from 'node:crypto'
import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { decodeSlotRecord } from '../../../sdk/protocol/slot-codec.ts'
import { slotHash } from '../../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../../core/config.ts'
import type { Fold } from '../../core/superblocks/fold.ts'
import { decodeSnapshot } from '../../core/snapshot/snapshot.ts'
import type { Disk } from '../log/disk.ts'
import type { LogStore } from '../log/log-store.ts'

/** Points that are kept: when the newest is damaged, the one before serves. */
const pointsKept = 2
const hashBytes = 32
const namePattern = /^(\d{16})\.point$/

/**
 * Recovery points on disk: each has the core's state at one height of the log and is written after the
 * nodes' snapshots that belong to it, so that one that is there is whole.
 */
export type RecoveryPoints = {
  /** Writes a point durably and removes those that are not kept; gives its bytes. */
  write: (height: number, parts: readonly Uint8Array[]) => Promise<number>
  /**
   * Gives the newest point that is sound and lies on the log; undefined when there is none.
   *
   * @param skipped - Told of every newer point and why it cannot be used.
   */
  newest: (
    log: Pick<LogStore, 'tip' | 'readOne'>,
    skipped: (point: { name: string; reason: string }) => void,
  ) => Promise<Fold | undefined>
  /** Height of the oldest point; undefined when there is none. */
  oldest: () => Promise<number | undefined>
}

/** Opens the recovery points in a directory. */
export function openRecoveryPoints(disk: Disk, config: CoreConfig): RecoveryPoints {
  /** Names, newest first. */
  const names = async () =>
    (await disk.list())
      .filter((name) => namePattern.test(name))
      .toSorted()
      .toReversed()
  return {
    write: async (height, parts) => {
      const payload = concatBytes(parts)
      const bytes = concatBytes([digestOf(payload), payload])
      await disk.replace(`${String(height).padStart(16, '0')}.point`, bytes, true)
      for (const old of (await names()).slice(pointsKept)) await disk.remove(old)
      return bytes.length
    },
    newest: async (log, skipped) => {
      for (const name of await names()) {
        try {
          return await readPoint(disk, name, { log, config })
        } catch (error) {
          if (!(error instanceof BaseError)) throw error
          skipped({ name, reason: [error.shortMessage, ...error.metaMessages].join(' ') })
        }
      }
      return undefined
    },
    oldest: async () => {
      const last = (await names()).at(-1)
      return last === undefined ? undefined : heightOf(last)
    },
  }
}

async function readPoint(
  disk: Disk,
  name: string,
  { log, config }: { log: Pick<LogStore, 'tip' | 'readOne'>; config: CoreConfig },
): Promise<Fold> {
  const bytes = await disk.read(name)
  const payload = bytes.subarray(hashBytes)
  const same = Buffer.compare(digestOf(payload), bytes.subarray(0, hashBytes)) === 0
  if (!same) throw new PointError('its bytes have the hash that it begins with', 'another')
  const fold = decodeSnapshot(payload, config)
  const { height } = fold.state
  if (height !== heightOf(name)) throw new PointError('its name is its height', String(height))
  const found = await hashAt(log, height, config.logId)
  if (found === fold.tipHash) return fold
  const has = found === undefined ? 'no such slot' : `slot ${found}`
  throw new PointError(`the log has slot ${fold.tipHash} at height ${height}`, has)
}

async function hashAt(
  log: Pick<LogStore, 'tip' | 'readOne'>,
  height: number,
  logId: Hash,
): Promise<Hash | undefined> {
  if (height < 1 || height > log.tip()) return undefined
  const record = await log.readOne(height)
  return record === undefined ? undefined : slotHash(logId, decodeSlotRecord(record).header)
}

function heightOf(name: string): number {
  return Number(namePattern.exec(name)?.[1])
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

/** A recovery point is damaged or of another log. */
export class PointError extends BaseError {
  override readonly name = 'PointError'

  constructor(rule: string, actual: string) {
    super('A recovery point cannot be used.', {
      code: 'RECOVERY_POINT',
      retryable: false,
      metaMessages: [`rule: ${rule}`, `found: ${actual}`],
    })
  }
}
