import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hash } from '../../sdk/protocol/hex.ts'
import {
  checkpointFileName,
  decodeCheckpointFile,
  encodeAnnouncementFile,
  encodeCheckpointFile,
  encodeReorgFlag,
  type SignedCheckpoint,
} from '../core/checkpoint-file.ts'

/** A validator's files, laid out as Hyperlane's agents lay out local storage; every write is durable. */
export type Storage = ReturnType<typeof openStorage>

/** Opens a validator's folder. */
export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
}

/** Gives the reading and writing of a validator's files. */
export function openStorage(folder: string) {
  const path = (name: string) => join(folder, name)

  const latestIndex = async (): Promise<number | undefined> => {
    const text = await readIfThere(path('index.json'))
    if (text === undefined) return undefined
    if (!/^\d{1,10}$/.test(text.trim())) throw new Error('index.json holds no index')
    return Number(text)
  }

  const checkpoint = async (index: number): Promise<SignedCheckpoint | undefined> => {
    const text = await readIfThere(path(checkpointFileName(index)))
    if (text === undefined) return undefined
    const signed = decodeCheckpointFile(text)
    if (signed === undefined) throw new Error(`${checkpointFileName(index)} is no checkpoint`)
    return signed
  }

  /** Writes checkpoints and then the index of the last of them. */
  const writeCheckpoints = async (signed: readonly SignedCheckpoint[]): Promise<void> => {
    const last = signed.at(-1)
    if (last === undefined) return
    await Promise.all(
      signed.map((one) =>
        writeTemporary(path(checkpointFileName(one.checkpoint.index)), encodeCheckpointFile(one)),
      ),
    )
    await syncFolder(folder)
    await writeTemporary(path('index.json'), `${last.checkpoint.index}`)
    await syncFolder(folder)
  }

  const writeNamed = async (name: string, text: string): Promise<void> => {
    await writeTemporary(path(name), text)
    await syncFolder(folder)
  }
  return {
    latestIndex,
    checkpoint,
    writeCheckpoints,
    writeAnnouncement: (announcement: Parameters<typeof encodeAnnouncementFile>[0]) =>
      writeNamed('announcement.json', encodeAnnouncementFile(announcement)),
    writeMetadata: (version: string) =>
      writeNamed('metadata_latest.json', JSON.stringify({ git_sha: version }, null, 2)),
    /**
     * The reorg flag's text; undefined only when there is none.
     *
     * @throws when it cannot be read: who cannot know is halted too.
     */
    reorgFlag: () => readIfThere(path('reorg_flag.json')),
    writeReorgFlag: (flag: {
      localRoot: Hash
      chainRoot: Hash
      index: number
      timestampS: number
      reorgPeriod: number
    }) => writeNamed('reorg_flag.json', encodeReorgFlag(flag)),
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a file beside its place, durable, and moves it there: nobody reads half of it. */
async function writeTemporary(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(text, 'utf8')
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
