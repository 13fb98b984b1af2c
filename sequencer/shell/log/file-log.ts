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
  return { log: new FileLog(disk, { places, segment, size, file }), repairedBytes }
}

/** An open log: it owns the file that it appends to. */
class FileLog implements LogStore {
  readonly #disk: Disk
  readonly #places: Place[]
  #segment: string
  #size: number
  #file: DiskFile
  /** Height that the next record must have. */
  #next: number
  #queue: Pending[] = []
  #writing = false
  #written: Promise<void> = Promise.resolve()
  #failed: unknown

  constructor(
    disk: Disk,
    opened: { places: Place[]; segment: string; size: number; file: DiskFile },
  ) {
    this.#disk = disk
    this.#places = opened.places
    this.#segment = opened.segment
    this.#size = opened.size
    this.#file = opened.file
    this.#next = opened.places.length
  }

  tip(): number {
    return this.#places.length - 1
  }

  append(height: number, record: Uint8Array): Promise<void> {
    if (this.#failed !== undefined) {
      const values = ['an earlier write failed']
      return Promise.reject(new LogError('the log is open', values, this.#failed))
    }
    if (height !== this.#next) {
      const values = [`height: ${height}; expected: ${this.#next}`]
      return Promise.reject(new LogError('heights are contiguous', values))
    }
    this.#next += 1
    return new Promise((resolve, reject) => {
      this.#queue.push({ height, bytes: frame(record), resolve, reject })
      if (!this.#writing) this.#written = this.#commit()
    })
  }

  async *read(height: number): AsyncIterable<{ height: number; record: Uint8Array }> {
    const end = this.#places.length
    let loaded: { segment: string; bytes: Uint8Array } | undefined
    for (let at = height; at < end; at++) {
      const place = this.#places[at] as Place
      if (loaded?.segment !== place.segment) {
        loaded = { segment: place.segment, bytes: await this.#disk.read(place.segment) }
      }
      const start = place.offset + FRAME_HEADER_BYTES
      yield { height: at, record: loaded.bytes.subarray(start, start + place.length) }
    }
  }

  async readOne(height: number): Promise<Uint8Array | undefined> {
    const place = this.#places[height]
    if (place === undefined) return undefined
    const { segment, offset, length } = place
    return this.#disk.readAt(segment, offset + FRAME_HEADER_BYTES, length)
  }

  async close(): Promise<void> {
    await this.#written
    await this.#file.close()
  }

  /** Writes all that waits with one sync: records that come meanwhile share the next. */
  async #commit(): Promise<void> {
    this.#writing = true
    while (this.#queue.length > 0) {
      const batch = this.#queue
      this.#queue = []
      try {
        await this.#write(batch)
      } catch (error) {
        this.#fail(batch, error)
        break
      }
      for (const { bytes, resolve } of batch) {
        const length = bytes.length - FRAME_HEADER_BYTES
        this.#places.push({ segment: this.#segment, offset: this.#size, length })
        this.#size += bytes.length
        resolve()
      }
    }
    // In the same turn as the look at the queue: what comes later begins a commit of its own.
    this.#writing = false
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const [first] = batch
    const last = batch.at(-1)
    if (first === undefined || last === undefined) return
    if (this.#size >= segmentBytesMax) {
      await this.#file.close()
      this.#segment = segmentName(first.height)
      this.#size = 0
      this.#file = await this.#disk.open(this.#segment, 0)
    }
    await this.#file.append(concatBytes(batch.map(({ bytes }) => bytes)))
    await this.#file.sync()
    await writeMark(this.#disk, last.height)
  }

  /** What is on the disk is not known any more: nothing may follow until the log is opened anew. */
  #fail(batch: readonly Pending[], error: unknown): void {
    this.#failed = error
    const fault = new LogError('a record can be written', ['the log must be opened anew'], error)
    for (const { reject } of [...batch, ...this.#queue]) reject(fault)
    this.#queue = []
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
