import { decodeGenesisRecord, decodeSlotRecord } from '../../../sdk/protocol/slot-codec.ts'
import type { LogStore } from '../log/log-store.ts'

/** How far the rollups' blocks are on `l1`: what the tags `safe` and `finalized` mean. */
export type BlockTags = {
  /** Number of a rollup's last block whose slots are posted; its genesis block before any is. */
  safe: (chainId: number) => number
  /** The same for slots that are posted in a final block of `l1`. */
  finalized: (chainId: number) => number
  /** Height of the last slot that is posted, and posted in a final block; -1 when none is. */
  slots: () => { posted: number; final: number }
}

/** The tags, with the way to move them. */
export type MovableTags = BlockTags & {
  /** Takes what `l1` says. A tag never goes back: what `l1` took back is posted again (I17). */
  move: (slots: { posted: number; final: number }) => Promise<void>
}

/** The empty block that comes with a rollup's genesis. */
const genesisBlock = 1

type Tag = {
  slot: number
  /** Last whole block by rollup. */
  blocks: Map<number, number>
  /** Blocks of the superblock that `slot` is in, which may not be whole. */
  open: Map<number, number>
  superblock: number
}

/** Makes the tags of a log of which nothing is posted. */
export function createTags(log: LogStore): MovableTags {
  const posted = newTag()
  const final = newTag()
  const read = (tag: Tag) => (chainId: number) => tag.blocks.get(chainId) ?? genesisBlock
  return {
    safe: read(posted),
    finalized: read(final),
    slots: () => ({ posted: posted.slot, final: final.slot }),
    move: async (slots) => {
      await forward(log, posted, Math.max(slots.posted, slots.final))
      await forward(log, final, slots.final)
    },
  }
}

/** Moves a tag to a slot. A block counts when the slot that follows its superblock shows it whole. */
async function forward(log: LogStore, tag: Tag, slot: number): Promise<void> {
  if (slot <= tag.slot) return
  const until = Math.min(slot, log.tip())
  // The first time the log is long: every rollup has a block in its last slots.
  const from = tag.slot < 0 ? await firstToRead(log, until) : tag.slot + 1
  for await (const { height, record: bytes } of log.read(from)) {
    if (height > until + 1) break
    const record = height === 0 ? undefined : decodeSlotRecord(bytes)
    if (record === undefined) continue
    if (record.header.superblock !== tag.superblock) close(tag)
    tag.superblock = record.header.superblock
    if (height > until) break
    for (const { chainId, env } of record.chains) tag.open.set(chainId, env.number)
  }
  tag.slot = until
}

function newTag(): Tag {
  return { slot: -1, blocks: new Map(), open: new Map(), superblock: 0 }
}

function close(tag: Tag): void {
  for (const [chainId, number] of tag.open) tag.blocks.set(chainId, number)
  tag.open.clear()
}

/** Height from which on every rollup is touched, or a bound on what is worth reading. */
async function firstToRead(log: LogStore, until: number): Promise<number> {
  const genesis = await log.readOne(0)
  if (genesis === undefined) return 0
  const missing = new Set(decodeGenesisRecord(genesis).chains.map(({ chainId }) => chainId))
  let superblock: number | undefined
  let height = until
  for (; height > 0 && until - height < readBackMax; height--) {
    const bytes = await log.readOne(height)
    if (bytes === undefined) break
    const { header, chains } = decodeSlotRecord(bytes)
    superblock ??= header.superblock
    // The last superblock may not be whole.
    if (header.superblock === superblock) continue
    for (const { chainId } of chains) missing.delete(chainId)
    if (missing.size === 0) break
  }
  return Math.max(0, height)
}

/** Slots that are looked back through: a rollup without a block for so long has stopped. */
const readBackMax = 20_000
