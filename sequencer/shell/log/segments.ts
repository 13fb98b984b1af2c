import type { Disk } from './disk.ts'
import { framesFrom, soundFrameAfter } from './frame.ts'
import { LogError } from './log-store.ts'
import { readMark } from './mark.ts'

/** One file of a log: the records from height `first` on. */
export type Segment = {
  name: string
  first: number
  /** Where each record's frame begins. */
  offsets: number[]
  /** Bytes of all its frames. */
  size: number
}

/** The segments of a log, whose first holds the record of height 0. */
export type FoundSegments = {
  segments: Segment[]
  /** Bytes after the last sound record of the last segment. */
  tornBytes: number
}

/** Name of the segment that begins with a height. */
export function segmentName(height: number): string {
  return `${String(height).padStart(16, '0')}.log`
}

/**
 * Reads every segment of a log and checks every record's checksum.
 *
 * @throws {@link LogError} when a record before the end is damaged, or a segment is missing.
 */
export async function findSegments(disk: Disk): Promise<FoundSegments> {
  const names = await keptNames(disk)
  const keptFrom = await readMark(disk, 'kept-from')
  const segments: Segment[] = []
  let tornBytes = 0
  for (const [i, name] of names.entries()) {
    const before = segments.at(-1)
    const next = before === undefined ? 0 : before.first + before.offsets.length
    // Pruning leaves the first segment, which says whose log this is.
    const first = i === 1 && keptFrom !== undefined ? Math.max(next, keptFrom) : next
    checkName(name, first)
    const { segment, end, bytes } = await scan(disk, name, first)
    segments.push(segment)
    if (end === bytes.length) continue
    if (i < names.length - 1 || soundFrameAfter(bytes, end)) {
      throw new LogError('a record before the last is sound', [
        `segment: ${name}; offset: ${end}; height: ${first + segment.offsets.length}`,
      ])
    }
    tornBytes = bytes.length - end
  }
  return { segments, tornBytes }
}

/** Names of the segments, without those that a pruning which was cut short left behind. */
async function keptNames(disk: Disk): Promise<string[]> {
  const names = (await disk.list()).filter((name) => /^\d{16}\.log$/.test(name)).toSorted()
  const keptFrom = await readMark(disk, 'kept-from')
  if (keptFrom === undefined) return names
  return names.filter((name) => name === segmentName(0) || name >= segmentName(keptFrom))
}

async function scan(
  disk: Disk,
  name: string,
  first: number,
): Promise<{ segment: Segment; end: number; bytes: Uint8Array }> {
  const bytes = await disk.read(name)
  const { frames, end } = framesFrom(bytes, 0)
  const offsets = frames.map(({ offset }) => offset)
  return { segment: { name, first, offsets, size: end }, end, bytes }
}

function checkName(name: string, first: number): void {
  if (name === segmentName(first)) return
  throw new LogError('no segment is missing', [`found: ${name}; expected: ${segmentName(first)}`])
}

/** Finds the segment that holds a height; undefined when none does. */
export function segmentOf(segments: readonly Segment[], height: number): Segment | undefined {
  const segment = segments.findLast(({ first }) => first <= height)
  if (segment === undefined || height >= segment.first + segment.offsets.length) return undefined
  return segment
}
