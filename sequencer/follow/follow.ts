import type { Hash } from '../../sdk/protocol/hex.ts'
import type { SlotHeader, SlotRecord } from '../../sdk/protocol/slot.ts'
import type { SparseTree } from '../../sdk/protocol/sparse-merkle.ts'
import type { CoreConfig } from '../core/config.ts'
import type { ChainDriver } from '../shell/drivers/driver.ts'
import type { L1Client } from '../shell/l1/l1-client.ts'
import type { Ledger } from '../shell/posting/ledger.ts'
import type { ForcedInput } from '../core/forced.ts'
import type { Inbox } from '../shell/l1/inbox.ts'
import { checkForced } from './check-forced.ts'
import { checkHeader } from './check-header.ts'
import { checkLegs } from './check-legs.ts'
import { checkNative } from './check-native.ts'
import { checkRules } from './check-rules.ts'
import { beginAt, executeSuperblock } from './execute.ts'
import { LieError } from './lie.ts'
import { readPostedLog, type PostedRecord } from './posted-log.ts'
import { bySuperblock } from './superblocks.ts'

/** How far a follower is. */
export type FollowProgress = {
  /** Last slot whose legs were executed and compared. */
  slot: number
  superblock: number
  /** Blocks executed so far, over all rollups. */
  blocks: number
}

/** What {@link follow} needs. */
export type FollowOptions = {
  config: CoreConfig
  l1: L1Client
  ledger: Ledger
  /** The inbox of forced bundles; absent where the network has none. */
  inbox?: Inbox | undefined
  /** One per sequenced rollup, on fresh nodes. */
  drivers: ReadonlyMap<number, ChainDriver>
  /** keccak256 of the genesis file of each rollup, as this follower has it. */
  genesisHashes: ReadonlyMap<number, string>
  /** Last slot that is followed; default all. */
  until?: number | undefined
  progress: (at: FollowProgress) => void
}

/** What a follower found: nothing but the truth. */
export type Followed = FollowProgress & {
  /** Head of each rollup after the last slot. */
  heads: readonly { chainId: number; number: number; hash: Hash }[]
}

/**
 * Rebuilds every rollup from what is on `l1` and nothing else, and compares all that the log says.
 *
 * @throws {@link LieError} with the slot and the leg at which the log says what is not so.
 */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { config, l1, ledger, drivers, genesisHashes, progress } = options
  const { number: toBlock } = await l1.head()
  const posted = readPostedLog(l1, ledger, { logId: config.logId, fromBlock: 0, toBlock })
  const at: FollowProgress = { slot: 0, superblock: 0, blocks: 0 }
  const forced = await readInbox(options.inbox, toBlock)
  const slots = checkedSlots(options, posted, {
    forced,
    begin: (genesis) => beginAt(genesis, drivers, genesisHashes),
  })
  for await (const superblock of bySuperblock(slots)) {
    at.blocks += await executeSuperblock(superblock, drivers)
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

type PostedGenesis = Extract<PostedRecord, { height: 0 }>['genesis']

/** The slots up to the last wanted, each checked by itself and against the one before. */
async function* checkedSlots(
  { config, l1, until = Number.MAX_SAFE_INTEGER }: FollowOptions,
  posted: AsyncIterable<PostedRecord>,
  {
    forced,
    begin,
  }: {
    forced: readonly ForcedInput[]
    begin: (genesis: PostedGenesis) => Promise<void>
  },
): AsyncIterable<{ record: SlotRecord }> {
  let before: SlotHeader | undefined
  let native: SparseTree
  for await (const item of posted) {
    if ('genesis' in item) {
      await begin(item.genesis)
      continue
    }
    const { record, l1Block } = item
    if (record.header.height > until) return
    checkHeader(record, before)
    await checkOrigin(l1, record.header, { before, l1Block })
    checkForced(config, record, { before, inbox: forced })
    checkLegs(config, record)
    checkRules(config, record, before)
    native = checkNative(config, native, record)
    before = record.header
    yield { record }
  }
}

const blocksAtOnce = 2_000

async function readInbox(inbox: Inbox | undefined, toBlock: number): Promise<ForcedInput[]> {
  const all: ForcedInput[] = []
  for (let from = 0; inbox !== undefined && from <= toBlock; from += blocksAtOnce) {
    all.push(...(await inbox.read(from, Math.min(toBlock, from + blocksAtOnce - 1))))
  }
  return all
}

/** The block of `l1` that a slot names is there, and older than the one that the slot is posted in. */
async function checkOrigin(
  l1: L1Client,
  { height, l1Origin }: SlotHeader,
  { before, l1Block }: { before: SlotHeader | undefined; l1Block: number },
): Promise<void> {
  const { number, hash } = l1Origin
  if (number === 0 || number === before?.l1Origin.number) return
  const actual = await l1.hashAt(number)
  if (actual === hash && number < l1Block) return
  const what = 'a slot names a block of l1 that was there before it'
  const recomputed = `block ${number} is ${actual ?? 'absent'}; posted in block ${l1Block}`
  throw new LieError({ slot: height }, { what, posted: `${number} ${hash}`, recomputed })
}
