import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { gunzipSync } from 'node:zlib'
import { writeDurably } from '../../../sdk/process/durable-file.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { ChainHead } from '../../core/entries/execution.ts'

/** A snapshot on disk: a node's state at a published head, named after that head. */
export type SnapshotFile = { path: string; number: number; hash: Hash }

/** Headers in a snapshot: BLOCKHASH reaches this far back. */
const headersKept = 256
/** Two recovery points need theirs, and one may lie between that belongs to no point. */
const snapshotsKept = 3
const stateBytesMax = 1024 * 1024 * 1024
const namePattern = /^(\d+)-(0x[0-9a-f]{64})\.json$/

type NodeState = {
  best_block_number: number
  blocks: { header: { number: Hex } }[]
  transactions: unknown[]
  historical_states: unknown
}

/** Finds a chain's snapshots, newest first. */
export function listSnapshots(directory: string): readonly SnapshotFile[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names
    .flatMap((name) => {
      const [, number, hash] = namePattern.exec(name) ?? []
      if (number === undefined || hash === undefined) return []
      return [{ path: join(directory, name), number: Number(number), hash: hash as Hash }]
    })
    .sort((a, b) => b.number - a.number)
}

/** A snapshot to be written. */
export type SnapshotOrder = {
  directory: string
  /** The head that the state is of. */
  head: ChainHead
  /** What `anvil_dumpState` gives: hexadecimal text of gzipped JSON. */
  dump: Hex
}

/** {@link writeSnapshot} in a thread of its own: a large state takes long. */
export async function writeSnapshotAside(order: SnapshotOrder): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = new URL(`./snapshot-writer/main.${extension}`, import.meta.url)
  const writer = new Worker(file, { workerData: order })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  writer.once('error', reject)
  writer.once('exit', resolve)
  const code = await promise
  if (code !== 0) throw new Error(`The writer of a snapshot ended with ${code}.`)
}

/** Writes a node's dump as a snapshot: durable when it returns, whole or absent whenever we crash. */
export function writeSnapshot({ directory, head, dump }: SnapshotOrder): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const json = gunzipSync(Buffer.from(dump.slice(2), 'hex'), { maxOutputLength: stateBytesMax })
  const state = JSON.parse(json.toString('utf8')) as NodeState
  // Transactions are in the log and in our index; only headers are looked at by the chain itself.
  const kept = {
    ...state,
    blocks: state.blocks
      // Block 0 stays too: whoever asks for the earliest block gets it from the node.
      .filter(
        ({ header: { number } }) => number === '0x0' || Number(number) > head.number - headersKept,
      )
      .map((block) => ({ ...block, transactions: [] }))
      .sort((a, b) => Number(a.header.number) - Number(b.header.number)),
    transactions: [],
    historical_states: null,
  }
  const path = join(directory, `${head.number}-${head.hash}.json`)
  writeDurably(path, JSON.stringify(kept))
  for (const { path: old } of listSnapshots(directory).slice(snapshotsKept)) rmSync(old)
}
