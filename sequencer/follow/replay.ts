import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { decodeGenesisRecord, decodeSlotRecord } from '../../sdk/protocol/slot-codec.ts'
import { slotHash } from '../../sdk/protocol/slot.ts'
import { LogError, type LogStore } from '../shell/log/log-store.ts'
import { mustBe } from './lie.ts'
import { walk, type Followed, type LogReader, type WalkOptions } from './walk.ts'

/** What {@link replayLog} needs. */
export type ReplayOptions = WalkOptions & {
  log: Pick<LogStore, 'first' | 'read' | 'readOne'>
  /** Last slot that is replayed; default all. */
  until?: number | undefined
}

/**
 * Reads a sequencer's own log from slot 0 on, checks its chain of hashes and what every slot says of
 * itself, and derives every block again to compare its hash with the one in the log (I3).
 *
 * @throws LieError with the first difference.
 * @throws {@link LogError} when the log is not whole.
 */
export async function replayLog(options: ReplayOptions): Promise<Followed> {
  const { log, rules } = options
  const { logId } = rules.config
  const bytes = await log.readOne(0)
  if (bytes === undefined) throw new LogError('a log begins with slot 0', ['it is empty'])
  if (log.first() > 1) {
    const values = [`lowest height kept after 0: ${log.first()}`]
    throw new LogError('a log that is replayed was not pruned', values)
  }
  const genesis = decodeGenesisRecord(bytes)
  if (genesis.logId !== logId) {
    const values = [`log: ${genesis.logId}; network: ${logId}`]
    throw new LogError('the log is of this network', values)
  }
  return await walk({ genesis, slots: linkedSlots(options, keccak256(bytes)) }, options)
}

async function* linkedSlots(
  { rules, log, until = Number.MAX_SAFE_INTEGER }: ReplayOptions,
  genesisHash: string,
): LogReader['slots'] {
  let tip = genesisHash
  for await (const { height, record: bytes } of log.read(1)) {
    if (height > until) return
    const record = decodeSlotRecord(bytes)
    const { header } = record
    const link = (what: string, posted: unknown, recomputed: unknown) =>
      mustBe({ slot: height }, what, { posted, recomputed })
    link('heights are contiguous (I1)', header.height, height)
    link('a slot names its parent (I1)', header.parentHash, tip)
    tip = slotHash(rules.config.logId, header)
    yield { record }
  }
}
