import { keccak256 } from '../../sdk/protocol/keccak.ts'
import type { SlotRecord } from '../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../core/config.ts'
import { blockEnv, chainsIn } from '../core/superblocks/superblock.ts'
import { sealedBlockOf } from '../shell/engine/header.ts'
import { RlpError } from '../shell/drivers/rlp.ts'
import { HeaderError } from '../shell/history/header.ts'
import { superblockOf, type FollowedState } from './followed-state.ts'
import { LieError, mustBe } from './lie.ts'

/**
 * Checks what a slot tells of blocks: the first slot of a superblock tells the headers of all blocks of
 * the one before, and every block has the environment that follows from its parent and the slot's time.
 * Notes the heads that are told, the rollups that stop and those that go on.
 *
 * @throws LieError with the first rule that is broken.
 */
export function checkBlocks(config: CoreConfig, record: SlotRecord, followed: FollowedState): void {
  const { state } = followed.fold
  const { header, chains } = record
  checkSealed(record, followed)
  checkResumed(record, followed)
  const { openedMs, blocks, resumed } = superblockOf(followed, record)
  const goesOn = new Set([...resumed.keys(), ...record.notes.resumed.map(({ chainId }) => chainId)])
  for (const { chainId, env } of chains) {
    const place = { slot: header.height, chainId }
    const stopped = state.stopped.has(chainId) || goesOn.has(chainId)
    mustBe(place, 'nothing touches a rollup that stopped before its withheld block is made', {
      posted: stopped ? 'a block' : 'none',
      recomputed: 'none',
    })
    const head = state.heads.get(chainId)
    if (head === undefined) continue
    const { prevRandao: _, ...wanted } =
      blocks.get(chainId)?.env ?? blockEnv(config, chainId, { head, openedMs })
    mustBe(place, 'a block follows from its parent and the slot’s time', {
      posted: envText(env),
      recomputed: envText(wanted),
    })
  }
}

function checkSealed({ header, notes }: SlotRecord, followed: FollowedState): void {
  const { superblock, heads, stopped } = followed.fold.state
  const slot = header.height
  const first = header.superblock !== superblock.number
  const due = first ? chainsIn(superblock) : []
  const told = notes.sealed.map(({ chainId }) => chainId)
  const stops = notes.stopped.map(({ chainId }) => chainId)
  // A rollup that stopped may have stopped at this very block: then it is withheld.
  const wanted = due.filter((chainId) => !stops.includes(chainId) || told.includes(chainId))
  mustBe({ slot }, 'the first slot of a superblock tells every block of the one before', {
    posted: told.toSorted((a, b) => a - b),
    recomputed: wanted,
  })
  for (const { chainId, header: rlp } of notes.sealed) {
    const block = readHeader(rlp, { slot, chainId })
    mustBe({ slot, chainId }, 'the block that is told follows the one before', {
      posted: `block ${block.number}`,
      recomputed: `block ${(heads.get(chainId)?.number ?? 0) + 1}`,
    })
    const { number, hash, timestampS } = block
    heads.set(chainId, { number, hash, timestampS })
    followed.openedAt.delete(chainId)
  }
  for (const { chainId, reason } of notes.stopped) stopped.set(chainId, reason)
}

/** What goes on is a rollup that stopped, with the block that was withheld, if one was. */
function checkResumed({ header, notes }: SlotRecord, followed: FollowedState): void {
  const { stopped } = followed.fold.state
  for (const { chainId, slot } of notes.resumed) {
    const withheld = stopped.has(chainId) ? (followed.openedAt.get(chainId) ?? 0) : 'none'
    mustBe({ slot: header.height, chainId }, 'what is resumed is the block that was withheld', {
      posted: `slot ${slot}`,
      recomputed: `slot ${withheld}`,
    })
    stopped.delete(chainId)
  }
}

function readHeader(rlp: `0x${string}`, place: { slot: number; chainId: number }) {
  try {
    return sealedBlockOf(rlp)
  } catch (error) {
    if (!(error instanceof HeaderError) && !(error instanceof RlpError)) throw error
    const what = 'a block is told by its header'
    throw new LieError(place, { what, posted: keccak256(rlp), recomputed: error.message })
  }
}

function envText(env: SlotRecord['chains'][number]['env']): string {
  const { number, parentHash, timestampS, baseFeePerGas, gasLimit, coinbase } = env
  return (
    `block ${number} after ${parentHash} at ${timestampS} s, base fee ${baseFeePerGas}, ` +
    `gas limit ${gasLimit}, coinbase ${coinbase}`
  )
}
