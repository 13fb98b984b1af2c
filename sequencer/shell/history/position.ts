import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { ChainPosition } from './chain-store.ts'
import { HistoryError } from './files.ts'

/** A superblock, and the last slot in it. */
export type HistoryPlace = { superblock: number; slot: number }

/** How far a history on disk goes. */
export type Position = {
  logId: Hash
  last: HistoryPlace
  /** By chain. */
  chains: ReadonlyMap<number, ChainPosition>
}

const version = 1
/** Name of the file that says how far a history goes. */
export const POSITION_FILE = 'position.json'
const count = z.number().int().nonnegative()
const shape = z.strictObject({
  version: z.literal(version),
  logId: z.string(),
  superblock: count,
  slot: count,
  chains: z.array(z.strictObject({ chainId: count, first: count, bytes: count })),
})

/**
 * Reads how far the history in a directory goes; undefined when there is none.
 *
 * @throws {@link HistoryError} when it is of another log, of other chains, or ahead of the log.
 */
export function readPosition(options: {
  directory: string
  logId: Hash
  chainIds: readonly number[]
  tip: number
}): Position | undefined {
  const path = join(options.directory, POSITION_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Blocks without a position are those of a history that was about to begin.
    rmSync(options.directory, { recursive: true, force: true })
    return undefined
  }
  const parsed = shape.safeParse(parse(text))
  if (!parsed.success) throw new HistoryError(path, 0, `it is of version ${version}`)
  const { logId, superblock, slot, chains } = parsed.data
  if (logId !== options.logId) throw new HistoryError(path, 0, `it is of log ${options.logId}`)
  if (slot > options.tip) throw new HistoryError(path, 0, `it ends with slot ${options.tip}`)
  if (!chains.every(({ chainId }) => options.chainIds.includes(chainId))) {
    throw new HistoryError(path, 0, `it has chains ${options.chainIds.join(', ')}`)
  }
  return {
    logId: options.logId,
    last: { superblock, slot },
    chains: new Map(chains.map(({ chainId, first, bytes }) => [chainId, { first, bytes }])),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Writes how far a history goes; what it says is in the files already. */
export function writePosition(directory: string, { logId, last, chains }: Position): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const rows = [...chains].map(([chainId, at]) => ({ chainId, ...at }))
  const path = join(directory, POSITION_FILE)
  writeFileSync(`${path}.new`, JSON.stringify({ version, logId, ...last, chains: rows }), {
    mode: 0o600,
  })
  renameSync(`${path}.new`, path)
}
