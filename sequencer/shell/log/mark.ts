import { crc32 } from 'node:zlib'
import { concatBytes, uintBytes } from '../../../sdk/protocol/bytes.ts'
import type { Disk } from './disk.ts'

/** A height that a log notes in a small file beside its segments. */
export type MarkName =
  /**
   * The last height that may be acknowledged. It survives the process, so that damage to the very last
   * record is told from a torn write that nobody was answered for.
   */
  | 'acknowledged'
  /** The lowest height after 0 that was kept when older segments were deleted. */
  | 'kept-from'

/** Notes a height. */
export async function writeMark(disk: Disk, name: MarkName, height: number): Promise<void> {
  const value = uintBytes(height, 8)
  const durable = name === 'kept-from'
  await disk.replace(name, concatBytes([value, uintBytes(crc32(value), 4)]), durable)
}

/** Reads a noted height; undefined when there is none, or its file is unsound. */
export async function readMark(disk: Disk, name: MarkName): Promise<number | undefined> {
  if (!(await disk.list()).includes(name)) return undefined
  const bytes = await disk.read(name)
  if (bytes.length !== 12) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (crc32(bytes.subarray(0, 8)) !== view.getUint32(8)) return undefined
  return Number(view.getBigUint64(0))
}
