import type { Hash } from '../../../sdk/protocol/hex.ts'

/** Something that an operator should know about a rollup's node. */
export type DriverAlert =
  | { kind: 'node-lost'; chainId: number; reason: string }
  | { kind: 'foreign-transactions'; chainId: number; hashes: readonly Hash[] }
  | { kind: 'foreign-blocks'; chainId: number; head: Hash; published: Hash }
  | { kind: 'snapshot-unusable'; chainId: number; path: string; reason: string }
