import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { decodeGenesisRecord, decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { slotHash, type SlotHeader, type SlotRecord } from '../../sdk/protocol/slot.ts'
import type { SparseTree } from '../../sdk/protocol/sparse-merkle.ts'
import type { CoreConfig } from '../core/config.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import { LogError, type LogStore } from '../shell/log/log-store.ts'
import { checkHeader } from './check-header.ts'
import { checkLegs } from './check-legs.ts'
import { checkNative } from './check-native.ts'
import { checkRules } from './check-rules.ts'
import { beginAt, executeSuperblock } from './execute.ts'
import type { Followed, FollowProgress } from './follow.ts'
import { LieError } from './lie.ts'
import { bySuperblock } from './superblocks.ts'

/** What {@link replayLog} needs. */
export type ReplayOptions = {
  config: CoreConfig
  log: Pick<LogStore, 'tip' | 'first' | 'read' | 'readOne'>
  /** One per rollup, on fresh nodes; none checks the log alone and executes nothing. */
  drivers: ReadonlyMap<number, ChainDriver>
  /** keccak256 of the genesis file of each rollup. */
  genesisHashes: ReadonlyMap<number, string>
  /** Last slot that is replayed; default all. */
  until?: number | undefined
  progress: (at: FollowProgress) => void
}

/**
 * Reads a sequencer's own log from slot 0 on, checks its chain of hashes and what every slot says of
 * itself, and derives every block again to compare its hash with the one in the log (I3).
 *
 * @throws {@link LieError} with the first difference.
 * @throws {@link LogError} when the log is not whole.
 */
export async function replayLog(options: ReplayOptions): Promise<Followed> {
  const { log, drivers, genesisHashes, progress } = options
  const bytes = await log.readOne(0)
  if (bytes === undefined) throw new LogError('a log begins with slot 0', ['it is empty'])
  if (log.first() > 1) {
    const values = [`lowest height kept after 0: ${log.first()}`]
    throw new LogError('a log that is replayed was not pruned', values)
  }
  const genesis = decodeGenesisRecord(bytes)
  if (genesis.logId !== options.config.logId) {
    const values = [`log: ${genesis.logId}; network: ${options.config.logId}`]
    throw new LogError('the log is of this network', values)
  }
  if (drivers.size > 0) await beginAt(genesis, drivers, genesisHashes)
  const at: FollowProgress = { slot: 0, superblock: 0, blocks: 0 }
  for await (const superblock of bySuperblock(linkedSlots(options, keccak256(bytes)))) {
    if (drivers.size > 0) at.blocks += await executeSuperblock(superblock, drivers)
    const { header } = superblock.records.at(-1) as SlotRecord
    at.slot = header.height
    at.superblock = header.superblock
    progress({ ...at })
  }
  const heads = [...drivers].map(([chainId, driver]) => {
    const { number, hash } = driver.head()
    return { chainId, number, hash }
  })
  return { ...at, heads }
}

async function* linkedSlots(
  { config, log, until = Number.MAX_SAFE_INTEGER }: ReplayOptions,
  genesisHash: string,
): AsyncIterable<{ record: SlotRecord }> {
  let before: SlotHeader | undefined
  let native: SparseTree
  let tip = genesisHash
  for await (const { height, record: bytes } of log.read(1)) {
    if (height > until) return
    const record = decodeSlotRecord(bytes)
    const { header } = record
    link(height, 'heights are contiguous (I1)', header.height, height)
    link(height, 'a slot names its parent (I1)', header.parentHash, tip)
    checkHeader(record, before)
    checkLegs(config, record)
    checkRules(config, record, before)
    native = checkNative(config, native, record)
    before = header
    tip = slotHash(config.logId, header)
    yield { record }
  }
}

function link(slot: number, what: string, posted: unknown, recomputed: unknown): void {
  if (posted === recomputed) return
  throw new LieError({ slot }, { what, posted: String(posted), recomputed: String(recomputed) })
}
