import { closeSync, openSync, readSync } from 'node:fs'
import { BaseError } from '../../../sdk/protocol/errors.ts'

/** Reads of files that stay open while they are in use. */
export type Files = {
  /** @throws {@link HistoryError} when the bytes are not there. */
  read: (path: string, offset: number, length: number) => Uint8Array
  close: () => void
}

/** Opens files as they are read; at most `openMax` stay open. */
export function createFiles(openMax: number): Files {
  const open = new Map<string, number>()
  const fileOf = (path: string) => {
    const known = open.get(path)
    open.delete(path)
    const file = known ?? openSync(path, 'r')
    open.set(path, file)
    const [oldest] = open
    if (open.size > openMax && oldest !== undefined) {
      open.delete(oldest[0])
      closeSync(oldest[1])
    }
    return file
  }
  return {
    read: (path, offset, length) => {
      const bytes = Buffer.alloc(length)
      const read = readSync(fileOf(path), bytes, 0, length, offset)
      if (read === length) return bytes
      throw new HistoryError(path, offset, `${length} bytes stand there`)
    },
    close: () => {
      for (const file of open.values()) closeSync(file)
      open.clear()
    },
  }
}

/** The history on disk is damaged: it is made again from the log. */
export class HistoryError extends BaseError {
  override readonly name = 'HistoryError'

  constructor(path: string, offset: number, rule: string) {
    super('The history on disk is damaged.', {
      code: 'HISTORY',
      retryable: false,
      metaMessages: [`file: ${path}; offset: ${offset}; rule: ${rule}`],
    })
  }
}
