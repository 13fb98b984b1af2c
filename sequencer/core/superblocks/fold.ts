import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { GenesisRecord, SlotRecord } from '../../../sdk/protocol/slot.ts'
import { addBlockHeights, type BlockHeights } from './block-heights.ts'
import type { CoreConfig } from '../config.ts'
import { applyRecord, initialState } from '../snapshot/restore.ts'
import type { CoreState } from '../state.ts'

/** The last block of a rollup whose header the log holds. */
export type RecordedBlock = { number: number; hash: Hash }

/**
 * What the log says up to one of its heights, and nothing else: the same for every process that read
 * it, however often it was restarted.
 */
export type Fold = {
  state: CoreState
  /** Hash of the last slot. */
  tipHash: Hash
  /** By chain. */
  recorded: Map<number, RecordedBlock>
  /** By chain. */
  blocks: Map<number, BlockHeights>
}

/** What slot 0 says. */
export function initialFold(config: CoreConfig, genesis: GenesisRecord, tipHash: Hash): Fold {
  const recorded = new Map(
    genesis.chains.map(({ chainId, header }) => [chainId, { number: 1, hash: keccak256(header) }]),
  )
  return { state: initialState(config), tipHash, recorded, blocks: new Map() }
}

/** Takes the next slot, whose hash is `tipHash`. */
export function foldRecord(fold: Fold, record: SlotRecord, tipHash: Hash): void {
  applyRecord(fold.state, record)
  for (const { chainId, header } of record.notes.sealed) {
    const number = (fold.recorded.get(chainId)?.number ?? 0) + 1
    fold.recorded.set(chainId, { number, hash: keccak256(header) })
  }
  addBlockHeights(fold.blocks, record)
  fold.tipHash = tipHash
}
