import type { Hex } from '../../../sdk/protocol/hex.ts'
import { decodeSlotRecord } from '../../../sdk/protocol/slot-codec.ts'
import type { SlotRecord } from '../../../sdk/protocol/slot.ts'
import { LogError, type LogStore } from '../log/log-store.ts'
import type { BlockPlan } from '../drivers/driver.ts'
import { addToPlans, withheldIn, type Plans } from './plans.ts'

/** A superblock as the log has it. */
export type LoggedSuperblock = {
  number: number
  /** Its last slot. */
  slot: number
  plans: Plans
  /** Headers of its blocks by chain, where a later slot holds them. */
  headers: ReadonlyMap<number, Hex>
}

/**
 * Reads the superblocks of the log from a slot on, which must be the first of its superblock. A block
 * that was withheld stands in the superblock that resumed its chain, as it does for everybody.
 */
export async function* superblocks(log: LogStore, from: number): AsyncIterable<LoggedSuperblock> {
  let open: { number: number; slot: number; plans: Plans } | undefined
  for await (const { height, record: bytes } of log.read(from)) {
    const record = decodeSlotRecord(bytes)
    const { superblock } = record.header
    if (open !== undefined && open.number !== superblock) {
      const { sealed } = record.notes
      for (const chainId of withheldIn(record)) open.plans.delete(chainId)
      yield { ...open, headers: new Map(sealed.map(({ chainId, header }) => [chainId, header])) }
      open = undefined
    }
    open ??= { number: superblock, slot: height, plans: new Map() }
    open.slot = height
    addToPlans(open.plans, record)
    await addResumed(log, open.plans, record)
  }
  if (open !== undefined) yield { ...open, headers: new Map() }
}

async function addResumed(log: LogStore, plans: Plans, { notes }: SlotRecord): Promise<void> {
  for (const { chainId, slot } of notes.resumed) {
    if (slot > 0) plans.set(chainId, await openedPlan(log, { chainId, slot }))
  }
}

/**
 * Reads the block of a chain that a slot opened.
 *
 * @throws {@link LogError} when the slot opened none.
 */
export async function openedPlan(
  log: LogStore,
  { chainId, slot }: { chainId: number; slot: number },
): Promise<BlockPlan> {
  const plans: Plans = new Map()
  let superblock: number | undefined
  for await (const { record: bytes } of log.read(slot)) {
    const record = decodeSlotRecord(bytes)
    superblock ??= record.header.superblock
    if (record.header.superblock !== superblock) break
    addToPlans(plans, record)
  }
  const plan = plans.get(chainId)
  if (plan !== undefined) return plan
  throw new LogError('what is resumed was withheld', [`slot: ${slot}; chain: ${chainId}: no block`])
}

/**
 * Finds the slot that opened a block of a chain.
 *
 * @param block.from - A slot at or before it.
 * @throws {@link LogError} when there is none.
 */
export async function openingSlot(
  log: LogStore,
  { chainId, number, from }: { chainId: number; number: number; from: number },
): Promise<number> {
  for await (const { height, record } of log.read(from)) {
    const { chains } = decodeSlotRecord(record)
    if (chains.some((chain) => chain.chainId === chainId && chain.env.number === number)) {
      return height
    }
  }
  throw new LogError('a block that was promised is in the log', [`chain ${chainId}: ${number}`])
}
