import type { Address } from '../../../sdk/protocol/hex.ts'
import { chainOf, type CoreConfig } from '../config.ts'
import {
  prevRandaoOf,
  type BlockEnv,
  type ChainHead,
  type LegOutcome,
} from '../entries/execution.ts'
import type { Call } from '../entries/leg.ts'

/** What is promised on one rollup inside the open superblock. */
export type OpenBlock = {
  env: BlockEnv
  calls: Call[]
  outcomes: LegOutcome[]
  gasUsed: bigint
  /** Gas used by entries of the lanes 0 to 4, and by forced ones of all lanes. */
  gasByLane: bigint[]
  forcedGas: bigint
}

/** The superblock that slots go into. */
export type Superblock = {
  /** Number of the open superblock, or of the last one when none is open. */
  number: number
  /** Last one that was published. */
  published: number
  phase: 'none' | 'open' | 'sealing' | 'publishing'
  /** Time of its first slot, milliseconds since 1970. */
  openedMs: number
  /** When it was opened, in elapsed milliseconds. */
  openedAtMs: number
  blocks: Map<number, OpenBlock>
  /** Rollups that go on with it, and whether their withheld block is made in it. */
  resumed: Map<number, boolean>
  /** Times that a rollup's block did something else than promised. */
  differences: Map<number, number>
}

/** The state before the first superblock. */
export function noSuperblock(number: number): Superblock {
  return {
    number,
    published: number,
    phase: 'none',
    openedMs: 0,
    openedAtMs: 0,
    blocks: new Map(),
    resumed: new Map(),
    differences: new Map(),
  }
}

/** Rollups that get a block in the superblock, ascending. */
export function chainsIn({ blocks, resumed }: Superblock): number[] {
  const withheld = [...resumed].filter(([, made]) => made).map(([chainId]) => chainId)
  return [...blocks.keys(), ...withheld].toSorted((a, b) => a - b)
}

/** Environment of the block that a rollup gets in a superblock opened at `openedMs`. */
export function blockEnv(
  config: CoreConfig,
  chainId: number,
  { head, openedMs }: { head: ChainHead; openedMs: number },
): BlockEnv {
  const chain = chainOf(config, chainId) as {
    baseFeePerGas: bigint
    gasLimit: bigint
    coinbase: Address
  }
  const number = head.number + 1
  return {
    number,
    parentHash: head.hash,
    timestampS: Math.max(head.timestampS, Math.floor(openedMs / 1000)),
    prevRandao: prevRandaoOf(head.hash, number),
    baseFeePerGas: chain.baseFeePerGas,
    gasLimit: chain.gasLimit,
    coinbase: chain.coinbase,
  }
}
