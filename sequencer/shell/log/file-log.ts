import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import type { Disk, DiskFile } from './disk.ts'
import { frame, FRAME_HEADER_BYTES, framesFrom, soundFrameAfter } from './frame.ts'
import { LogError, type LogStore } from './log-store.ts'
import { readMark, writeMark } from './mark.ts'

/** Where a record stands. */
type Place = { segment: string; offset: number; length: number }

type Pending = {
  height: number
  bytes: Uint8Array
  resolve: () => void
  reject: (error: unknown) => void
}

/** Bytes after which a new segment begins. */
const segmentBytesMax = 64 * 1024 * 1024

/** What opening a log found at its end. */
export type OpenedLog = {
  log: LogStore
  /** Bytes of a torn last record that were cut off: nobody was answered for it. */
  repairedBytes: number
}

/**
 * Opens a log in a directory: every record is read and its checksum checked. A torn end is cut off;
 * damage before the end is refused with its place.
 *
 * @throws {@link LogError} when a record is damaged, a segment is missing, or an acknowledged record
 * is gone.
 */
export async function openFileLog(disk: Disk): Promise<OpenedLog> {
  const names = (await disk.list()).filter((name) => /^\d{16}\.log$/.test(name)).toSorted()
  const places: Place[] = []
  let size = 0
  let repairedBytes = 0
  for (const [i, segment] of names.entries()) {
    checkSegmentName(segment, places.length)
    const bytes = await disk.read(segment)
    const { frames, end } = framesFrom(bytes, 0)
    if (end < bytes.length) {
      const last = i === names.length - 1
      if (!last || soundFrameAfter(bytes, end)) {
        throw new LogError('a record before the last is sound', [
          `segment: ${segment}; offset: ${end}; height: ${places.length + frames.length}`,
        ])
      }
      repairedBytes = bytes.length - end
    }
    for (const { offset, payload } of frames) {
      places.push({ segment, offset, length: payload.length })
    }
    size = end
  }
  const acknowledged = await readMark(disk)
  if (acknowledged !== undefined && acknowledged >= places.length) {
    throw new LogError('an acknowledged record is in the log', [
      `acknowledged height: ${acknowledged}; last sound height: ${places.length - 1}`,
    ])
  }
  const segment = names.at(-1) ?? segmentName(0)
  const file = await disk.open(segment, size)
  return { log: fileLog(disk, { places, segment, size, file }), repairedBytes }
}

function fileLog(
  disk: Disk,
  opened: { places: Place[]; segment: string; size: number; file: DiskFile },
): LogStore {
  const { places } = opened
  let { segment, size, file } = opened
  let next = places.length
  let queue: Pending[] = []
  let writing = false
  let written: Promise<void> = Promise.resolve()
  let failed: unknown

  /** Writes all that waits with one sync: records that come meanwhile share the next. */
  const commit = async () => {
    writing = true
    while (queue.length > 0) {
      const batch = queue
      queue = []
      try {
        if (size >= segmentBytesMax) await beginSegment(batch[0]!.height)
        await file.append(concatBytes(batch.map(({ bytes }) => bytes)))
        await file.sync()
        await writeMark(disk, batch.at(-1)!.height)
      } catch (error) {
        // What is on the disk is not known any more: nothing may follow until the log is opened anew.
        failed = error
        const cause = new LogError('a record can be written', ['the log must be opened anew'], error)
        for (const { reject } of [...batch, ...queue]) reject(cause)
        queue = []
        break
      }
      for (const { bytes, resolve } of batch) {
        places.push({ segment, offset: size, length: bytes.length - FRAME_HEADER_BYTES })
        size += bytes.length
        resolve()
      }
    }
    // In the same turn as the look at the queue: what comes later begins a commit of its own.
    writing = false
  }
  const beginSegment = async (height: number) => {
    await file.close()
    segment = segmentName(height)
    size = 0
    file = await disk.open(segment, 0)
  }
  const readOne = async (height: number) => {
    const place = places[height]
    if (place === undefined) return undefined
    return disk.readAt(place.segment, place.offset + FRAME_HEADER_BYTES, place.length)
  }

  return {
    tip: () => places.length - 1,
    append: (height, record) => {
      if (failed !== undefined) {
        return Promise.reject(new LogError('the log is open', ['an earlier write failed'], failed))
      }
      if (height !== next) {
        return Promise.reject(
          new LogError('heights are contiguous', [`height: ${height}; expected: ${next}`]),
        )
      }
      next += 1
      return new Promise((resolve, reject) => {
        queue.push({ height, bytes: frame(record), resolve, reject })
        if (!writing) written = commit()
      })
    },
    read: async function* (height) {
      const end = places.length
      let loaded: { segment: string; bytes: Uint8Array } | undefined
      for (let at = height; at < end; at++) {
        const place = places[at] as Place
        if (loaded?.segment !== place.segment) {
          loaded = { segment: place.segment, bytes: await disk.read(place.segment) }
        }
        const start = place.offset + FRAME_HEADER_BYTES
        yield { height: at, record: loaded.bytes.subarray(start, start + place.length) }
      }
    },
    readOne,
    close: async () => {
      await written
      await file.close()
    },
  }
}

function segmentName(height: number): string {
  return `${String(height).padStart(16, '0')}.log`
}

function checkSegmentName(segment: string, height: number): void {
  if (segment === segmentName(height)) return
  throw new LogError('no segment is missing', [
    `found: ${segment}; expected: ${segmentName(height)}`,
  ])
}
