import { concatBytes, uintBytes } from '../../../sdk/protocol/bytes.ts'
import { crc32c } from './crc32c.ts'
import type { Disk } from './disk.ts'

const name = 'acknowledged'

/**
 * Notes the last height that may be acknowledged. It survives the process, so that damage to the very
 * last record is told from a torn write that nobody was answered for.
 */
export async function writeMark(disk: Disk, height: number): Promise<void> {
  const value = uintBytes(height, 8)
  await disk.replace(name, concatBytes([value, uintBytes(crc32c(value), 4)]))
}

/** Reads the last acknowledged height; undefined when there is none, or its file is unsound. */
export async function readMark(disk: Disk): Promise<number | undefined> {
  if (!(await disk.list()).includes(name)) return undefined
  const bytes = await disk.read(name)
  if (bytes.length !== 12) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (crc32c(bytes.subarray(0, 8)) !== view.getUint32(8)) return undefined
  return Number(view.getBigUint64(0))
}
