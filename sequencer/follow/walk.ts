import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { encodeGenesisRecord } from '../../sdk/protocol/slot-codec.ts'
import type { GenesisRecord, SlotRecord } from '../../sdk/protocol/slot.ts'
import { checkSlot } from './check-slot.ts'
import { beginAt, executeSuperblock } from './execute.ts'
import { initialFollowed } from './followed-state.ts'
import { LieError } from './lie.ts'
import type { FollowRules } from './rules.ts'
import { addSlot, emptySuperblock, toldBy, withhold, type FollowedBlock } from './superblocks.ts'

/** How far a follower is. */
export type FollowProgress = {
  /** Last slot whose legs were executed and compared. */
  slot: number
  superblock: number
  /** Blocks executed so far, over all rollups. */
  blocks: number
}

/** What a follower found: nothing but the truth. */
export type Followed = FollowProgress & {
  /** Head of each rollup after the last slot. */
  heads: readonly { chainId: number; number: number; hash: Hash }[]
}

/** A log from slot 0 on, as it is read: its chain of hashes is checked by who reads it. */
export type LogReader = {
  genesis: GenesisRecord
  /**
   * The slots from 1 on, each with what else is to be checked of it where it comes from.
   *
   * @throws {@link LieError} when a slot is not what it must be where it comes from.
   */
  slots: AsyncIterable<{ record: SlotRecord; check?: (() => Promise<void>) | undefined }>
}

/** What {@link walk} needs besides the log. */
export type WalkOptions = {
  rules: FollowRules
  /** keccak256 of the genesis file of each rollup, as this follower has it. */
  genesisHashes: ReadonlyMap<number, string>
  progress: (at: FollowProgress) => void
}

/**
 * Goes through a log, checks every slot and derives every block again (I3). Of several lies the one in
 * the earliest slot is told: before one that reading finds, what came before it is executed.
 *
 * @throws {@link LieError} with the first lie.
 */
export async function walk(
  { genesis, slots }: LogReader,
  { rules, genesisHashes, progress }: WalkOptions,
): Promise<Followed> {
  const { config, drivers } = rules
  if (drivers.size > 0) await beginAt(genesis, drivers, genesisHashes)
  const followed = initialFollowed(config, genesis, keccak256(encodeGenesisRecord(genesis)))
  const at: FollowProgress = { slot: 0, superblock: 0, blocks: 0 }
  const withheld = new Map<number, FollowedBlock>()
  let open = emptySuperblock()
  const execute = async (next: SlotRecord | undefined) => {
    const closing = open
    const { header } = closing.last ?? {}
    if (header === undefined) return
    open = emptySuperblock()
    const told = next === undefined ? undefined : toldBy(next)
    if (told !== undefined) withhold(closing, told, withheld)
    if (drivers.size > 0) at.blocks += await executeSuperblock(closing, drivers, told)
    at.slot = header.height
    at.superblock = header.superblock
    progress({ ...at })
  }
  try {
    for await (const { record, check } of slots) {
      const last = open.last?.header.superblock
      if (last !== undefined && last !== record.header.superblock) await execute(record)
      await check?.()
      const legs = await checkSlot(rules, record, followed)
      addSlot(open, record, { legs, withheld })
    }
  } catch (error) {
    // What was read before may hold a lie that only an execution shows: it stands earlier.
    if (error instanceof LieError) await execute(undefined)
    throw error
  }
  await execute(undefined)
  const heads = [...drivers].map(([chainId, driver]) => {
    const { number, hash } = driver.head()
    return { chainId, number, hash }
  })
  return { ...at, heads }
}
