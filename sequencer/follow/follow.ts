import type { SlotHeader } from '../../sdk/protocol/slot.ts'
import type { L1Client } from '../shell/l1/l1-client.ts'
import type { Inbox } from '../shell/l1/inbox.ts'
import type { Ledger } from '../shell/posting/ledger.ts'
import { L1_DEPTH } from '../shell/posting/settlement.ts'
import type { ForcedInput } from '../core/bundles/forced.ts'
import { LieError } from './lie.ts'
import { readPostedLog, type PostedSlots } from './posted-log.ts'
import { walk, type Followed, type LogReader, type WalkOptions } from './walk.ts'

/** What {@link follow} needs. */
export type FollowOptions = Omit<WalkOptions, 'rules'> & {
  rules: Omit<WalkOptions['rules'], 'inbox' | 'leaders'>
  l1: L1Client
  ledger: Ledger
  /** The inbox of forced bundles; absent where the network has none. */
  inbox?: Inbox | undefined
  /** Last slot that is followed; default all. */
  until?: number | undefined
}

/**
 * Rebuilds every rollup from what is on `l1` and nothing else, and compares all that the log says.
 *
 * @throws {@link LieError} with the slot and the leg at which the log says what is not so.
 */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { rules, l1, ledger, until = Number.MAX_SAFE_INTEGER } = options
  const { number: toBlock } = await l1.head()
  const { logId } = rules.config
  const { genesis, slots } = await readPostedLog(l1, ledger, { logId, toBlock })
  const inbox: ForcedInput[] = []
  const leaders = new Set<string>(genesis === undefined ? [] : [genesis.leader])
  for (let from = 0; from <= toBlock; from += blocksAtOnce) {
    const to = Math.min(toBlock, from + blocksAtOnce - 1)
    inbox.push(...((await options.inbox?.read(from, to)) ?? []))
    for (const leader of await ledger.sequencers(from, to)) leaders.add(leader)
  }
  if (genesis === undefined) return { slot: 0, superblock: 0, blocks: 0, heads: [] }
  const log = { genesis, slots: fromL1(l1, slots, until) }
  return await walk(log, { ...options, rules: { ...rules, inbox, leaders } })
}

const blocksAtOnce = 2_000

async function* fromL1(l1: L1Client, slots: PostedSlots, until: number): LogReader['slots'] {
  let before: SlotHeader | undefined
  for await (const { record, l1Block } of slots) {
    const { header } = record
    if (header.height > until) return
    const seen = before?.l1Origin.number ?? 0
    yield { record, check: () => checkOrigin(l1, header, { seen, l1Block }) }
    before = header
  }
}

/**
 * The block of `l1` that a slot names is there, and so far behind the one that the slot is posted in that
 * nobody expected it to be taken back (I17).
 */
async function checkOrigin(
  l1: L1Client,
  { height, l1Origin }: SlotHeader,
  { seen, l1Block }: { seen: number; l1Block: number },
): Promise<void> {
  const { number, hash } = l1Origin
  if (number <= seen) return
  const actual = await l1.hashAt(number)
  if (actual === hash && number + L1_DEPTH <= l1Block) return
  const what = 'a slot names a block of l1 that was deep enough before it (I17)'
  const recomputed = `block ${number} is ${actual ?? 'absent'}; posted in block ${l1Block}`
  throw new LieError({ slot: height }, { what, posted: `${number} ${hash}`, recomputed })
}
