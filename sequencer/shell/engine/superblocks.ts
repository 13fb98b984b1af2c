import type { Hex } from '../../../sdk/protocol/hex.ts'
import { decodeSlotRecord } from '../../../sdk/protocol/slot-codec.ts'
import type { LogStore } from '../log/log-store.ts'
import { addToPlans, type Plans } from './plans.ts'

/** A superblock as the log has it. */
export type LoggedSuperblock = {
  number: number
  /** Its last slot. */
  slot: number
  plans: Plans
  /** Headers of its blocks by chain, where a later slot holds them. */
  headers: ReadonlyMap<number, Hex>
}

/** Reads the superblocks of the log from a slot on, which must be the first of its superblock. */
export async function* superblocks(log: LogStore, from: number): AsyncIterable<LoggedSuperblock> {
  let open: { number: number; slot: number; plans: Plans } | undefined
  for await (const { height, record: bytes } of log.read(from)) {
    const record = decodeSlotRecord(bytes)
    const { superblock } = record.header
    if (open !== undefined && open.number !== superblock) {
      const { sealed } = record.notes
      yield { ...open, headers: new Map(sealed.map(({ chainId, header }) => [chainId, header])) }
      open = undefined
    }
    open ??= { number: superblock, slot: height, plans: new Map() }
    open.slot = height
    addToPlans(open.plans, record)
  }
  if (open !== undefined) yield { ...open, headers: new Map() }
}
