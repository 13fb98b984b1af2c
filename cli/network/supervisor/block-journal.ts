import { existsSync, readFileSync } from 'node:fs'
import { open, rename, type FileHandle } from 'node:fs/promises'

/** An empty block: all else in it follows from its parent. */
export type EmptyBlock = { number: number; timestampS: number }

/**
 * Owner of a file that lists the empty blocks mined since a chain's state was last written, so that
 * a crash takes none back: mined again with the same times they have the same hashes.
 */
export class BlockJournal {
  private readonly path: string
  private file: FileHandle | undefined
  /** Blocks listed since the state was written. */
  length = 0

  constructor(path: string) {
    this.path = path
  }

  /** Reads what is listed; a line that a crash cut short, and all after it, do not count. */
  read(): EmptyBlock[] {
    if (!existsSync(this.path)) return []
    const lines = readFileSync(this.path, 'utf8').split('\n')
    const blocks: EmptyBlock[] = []
    for (const line of lines.slice(0, -1)) {
      const match = /^(\d+) (\d+)$/.exec(line)
      if (match === null) break
      blocks.push({ number: Number(match[1]), timestampS: Number(match[2]) })
    }
    this.length = blocks.length
    return blocks
  }

  /** Lists a block, durably. */
  async append({ number, timestampS }: EmptyBlock): Promise<void> {
    this.file ??= await open(this.path, 'a', 0o600)
    await this.file.appendFile(`${number} ${timestampS}\n`)
    await this.file.datasync()
    this.length += 1
  }

  /** Begins an empty list, once the state is written. */
  async clear(): Promise<void> {
    await this.close()
    const fresh = `${this.path}.new`
    this.file = await open(fresh, 'w', 0o600)
    await rename(fresh, this.path)
    this.length = 0
  }

  async close(): Promise<void> {
    await this.file?.close()
    this.file = undefined
  }
}
