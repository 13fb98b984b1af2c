import { ENTRY_KIND, LANES } from '../../sdk/protocol/entry.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import {
  slotHash,
  type GenesisRecord,
  type SlotHeader,
  type SlotRecord,
} from '../../sdk/protocol/slot.ts'
import type { CoreConfig } from '../core/config.ts'
import { prevRandaoOf } from '../core/entries/execution.ts'
import { foldRecord, initialFold, type Fold } from '../core/superblocks/fold.ts'
import type { OpenBlock, Superblock } from '../core/superblocks/superblock.ts'
import { sealedBlockOf } from '../shell/engine/header.ts'
import type { SlotLegs } from './check-shape.ts'

/**
 * What the log says up to a slot, as a leader that starts again would know it: heads, system nonces,
 * what stopped, what stands, and the blocks of the superblock that is still open.
 */
export type FollowedState = {
  fold: Fold
  before: SlotHeader | undefined
  /** Slot that opened the last block of each rollup. */
  openedAt: Map<number, number>
}

/** What slot 0 says. */
export function initialFollowed(
  config: CoreConfig,
  genesis: GenesisRecord,
  hash: Hash,
): FollowedState {
  const fold = initialFold(config, genesis, hash)
  for (const { chainId, header } of genesis.chains) {
    const { number, hash: head, timestampS } = sealedBlockOf(header)
    fold.state.heads.set(chainId, { number, hash: head, timestampS })
  }
  return { fold, before: undefined, openedAt: new Map() }
}

/** The superblock that a slot goes into, with the blocks of the slots before it. */
export function superblockOf({ fold }: FollowedState, { header }: SlotRecord): Superblock {
  const { superblock } = fold.state
  if (superblock.number === header.superblock && superblock.phase === 'open') return superblock
  return {
    ...superblock,
    number: header.superblock,
    published: header.superblock - 1,
    phase: 'open',
    openedMs: header.timestampMs,
    blocks: new Map(),
    resumed: new Map(),
  }
}

/** Takes a slot that was checked. */
export function takeSlot(
  followed: FollowedState,
  record: SlotRecord,
  { config, legs }: { config: CoreConfig; legs: SlotLegs },
): void {
  const { state } = followed.fold
  const open = superblockOf(followed, record)
  foldRecord(followed.fold, record, slotHash(config.logId, record.header))
  const blocks = new Map(open.blocks)
  for (const chain of record.chains) {
    if (!blocks.has(chain.chainId)) followed.openedAt.set(chain.chainId, record.header.height)
    blocks.set(chain.chainId, addToBlock(blocks.get(chain.chainId), { record, chain, legs }))
    const system = chain.legs.flatMap(({ hash }) => {
      const leg = legs.get(hash)
      return leg?.from === config.system ? [leg.nonce] : []
    })
    const last = system.at(-1)
    if (last !== undefined) state.systemNonces.set(chain.chainId, last + 1)
  }
  const resumed = record.notes.resumed.map(({ chainId, slot }) => [chainId, slot > 0] as const)
  state.superblock = { ...open, blocks, resumed: new Map([...open.resumed, ...resumed]) }
  followed.before = record.header
}

function addToBlock(
  known: OpenBlock | undefined,
  {
    record,
    chain,
    legs,
  }: { record: SlotRecord; chain: SlotRecord['chains'][number]; legs: SlotLegs },
): OpenBlock {
  const gasByLane = [...(known?.gasByLane ?? Array.from({ length: LANES }, () => 0n))]
  let { gasUsed, forcedGas } = known ?? { gasUsed: 0n, forcedGas: 0n }
  for (const leg of chain.legs) {
    gasUsed += leg.gasUsed
    const entry = leg.origin.type === 'open' ? undefined : record.entries[leg.origin.entry]
    if (entry === undefined) continue
    gasByLane[entry.lane] = (gasByLane[entry.lane] ?? 0n) + leg.gasUsed
    if (entry.kind === ENTRY_KIND.forced) forcedGas += leg.gasUsed
  }
  const calls = chain.legs.flatMap(({ hash }) => legs.get(hash) ?? [])
  const outcomes = chain.legs.map(({ status, gasUsed: gas, logs }) => ({
    ...{ status, logs },
    gasUsed: gas,
    output: '0x' as const,
  }))
  return {
    env: { ...chain.env, prevRandao: prevRandaoOf(chain.env.parentHash, chain.env.number) },
    calls: [...(known?.calls ?? []), ...calls],
    outcomes: [...(known?.outcomes ?? []), ...outcomes],
    ...{ gasUsed, gasByLane, forcedGas },
  }
}
