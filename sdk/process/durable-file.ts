import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes a file so that after a crash it is either whole or as it was, name included.
 *
 * @param mode - Permissions of the file; default: the owner's alone.
 */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w', mode)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
