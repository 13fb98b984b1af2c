import { deepStrictEqual } from 'node:assert'
import { keccak256 } from 'viem'
import { decodeGenesisRecord, decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { slotHash } from '../../sdk/protocol/slot.ts'
import { foldRecord, initialFold, type Fold } from '../../sequencer/core/superblocks/fold.ts'
import type { Disk } from '../../sequencer/shell/log/disk.ts'
import { openFileLog } from '../../sequencer/shell/log/file-log.ts'
import type { LogStore } from '../../sequencer/shell/log/log-store.ts'
import { openRecoveryPoints } from '../../sequencer/shell/recovery/points.ts'
import { CONFIG, logId } from '../fixtures/sequencer/world.ts'

/** Checks that the newest recovery point says exactly what the log says up to its height (I3). */
export async function auditPoints(disk: Disk, points: Disk): Promise<void> {
  const { log } = await openFileLog(disk)
  const restored = await openRecoveryPoints(points, CONFIG).newest(log, () => undefined)
  if (restored === undefined) return
  deepStrictEqual(restored, await foldUpTo(log, restored.state.height))
}

/** What the log says up to a height, read from its beginning. */
async function foldUpTo(log: LogStore, height: number): Promise<Fold> {
  const genesis = (await log.readOne(0)) as Uint8Array
  const fold = initialFold(CONFIG, decodeGenesisRecord(genesis), keccak256(genesis))
  for await (const { height: at, record } of log.read(1)) {
    if (at > height) return fold
    const slot = decodeSlotRecord(record)
    foldRecord(fold, slot, slotHash(logId, slot.header))
  }
  return fold
}
