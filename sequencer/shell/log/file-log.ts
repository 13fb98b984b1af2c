import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import type { Disk, DiskFile } from './disk.ts'
import { frame, frameAt } from './frame.ts'
import { LogError, type LogStore } from './log-store.ts'
import { readMark, writeMark } from './mark.ts'
import { findSegments, segmentName, segmentOf, type Segment } from './segments.ts'

type Pending = {
  height: number
  bytes: Uint8Array
  resolve: () => void
  reject: (error: unknown) => void
}

/** Bytes after which a new segment begins, unless said otherwise. */
const segmentBytesDefault = 64 * 1024 * 1024
/** Bytes that reading takes from a segment at once, and one record more. */
const readBytes = 4 * 1024 * 1024

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
 * @param options.segmentBytes - Bytes after which a new segment begins; default 64 MiB.
 * @throws {@link LogError} when a record is damaged, a segment is missing, or an acknowledged record
 * is gone.
 */
export async function openFileLog(
  disk: Disk,
  options: { segmentBytes?: number | undefined } = {},
): Promise<OpenedLog> {
  const { segments, tornBytes } = await findSoundSegments(disk)
  const last = segments.at(-1) ?? { name: segmentName(0), first: 0, offsets: [], size: 0 }
  if (segments.length === 0) segments.push(last)
  const file = await disk.open(last.name, last.size)
  const segmentBytes = options.segmentBytes ?? segmentBytesDefault
  return { log: new FileLog(disk, { segments, file, segmentBytes }), repairedBytes: tornBytes }
}

/**
 * Opens a log to read it, while another process may append to it: what is torn at the end is left as
 * it is and not shown.
 *
 * @throws {@link LogError} as {@link openFileLog} does.
 */
export async function readFileLog(
  disk: Disk,
): Promise<Pick<LogStore, 'tip' | 'first' | 'read' | 'readOne'>> {
  const { segments } = await findSoundSegments(disk)
  return new SegmentReader(disk, segments)
}

async function findSoundSegments(disk: Disk) {
  const acknowledged = await readMark(disk, 'acknowledged')
  const found = await findSegments(disk)
  const tip = tipOf(found.segments)
  if (acknowledged !== undefined && acknowledged > tip) {
    const last = found.segments.at(-1)
    const place = last === undefined ? 'none' : `${last.name}; offset: ${last.size}`
    throw new LogError('an acknowledged record is in the log', [
      `acknowledged height: ${acknowledged}; last sound height: ${tip}; last segment: ${place}`,
    ])
  }
  return found
}

function tipOf(segments: readonly Segment[]): number {
  const last = segments.at(-1)
  return last === undefined ? -1 : last.first + last.offsets.length - 1
}

/** Reads records from the segments of a log. */
class SegmentReader {
  protected readonly disk: Disk
  protected readonly segments: Segment[]

  constructor(disk: Disk, segments: Segment[]) {
    this.disk = disk
    this.segments = segments
  }

  tip(): number {
    return tipOf(this.segments)
  }

  first(): number {
    const [zero, next] = this.segments
    if (zero === undefined) return 1
    const kept = zero.first + zero.offsets.length
    return next === undefined || next.first === kept ? 1 : next.first
  }

  async *read(height: number): AsyncIterable<{ height: number; record: Uint8Array }> {
    const tip = this.tip()
    for (let at = height; at <= tip;) {
      const records = await this.#readFrom(at, tip)
      for (const record of records) yield { height: at++, record }
    }
  }

  async readOne(height: number): Promise<Uint8Array | undefined> {
    if (height > this.tip() || height < 0) return undefined
    const [record] = await this.#readFrom(height, height)
    return record
  }

  /** Records from `height` on, at most to `last`: as many as one read of one segment gives. */
  async #readFrom(height: number, last: number): Promise<Uint8Array[]> {
    const segment = segmentOf(this.segments, height)
    if (segment === undefined) {
      const values = [`height: ${height}; lowest height kept after 0: ${this.first()}`]
      throw new LogError('a record that is read was not pruned', values)
    }
    const { name, first, offsets, size } = segment
    const from = height - first
    const start = offsets[from] as number
    let to = from + 1
    const count = Math.min(last - first + 1, offsets.length)
    while (to < count && (offsets[to] as number) - start < readBytes) to += 1
    const end = offsets[to] ?? size
    const bytes = await this.disk.readAt(name, start, end - start)
    const records: Uint8Array[] = []
    for (let i = from; i < to; i++) {
      const framed = frameAt(bytes, (offsets[i] as number) - start)
      if (framed === undefined) {
        throw new LogError('a record is what was written', [
          `segment: ${name}; offset: ${offsets[i]}; height: ${first + i}`,
        ])
      }
      records.push(framed.payload)
    }
    return records
  }
}

/** An open log: it owns the file that it appends to. */
class FileLog extends SegmentReader implements LogStore {
  readonly #segmentBytes: number
  #file: DiskFile
  /** Height that the next record must have. */
  #next: number
  #queue: Pending[] = []
  #writing = false
  #written: Promise<void> = Promise.resolve()
  #failed: unknown

  constructor(disk: Disk, opened: { segments: Segment[]; file: DiskFile; segmentBytes: number }) {
    super(disk, opened.segments)
    this.#file = opened.file
    this.#segmentBytes = opened.segmentBytes
    this.#next = this.tip() + 1
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

  async prune(below: number): Promise<void> {
    const doomed = this.segments.filter(
      ({ first, offsets }, i) =>
        i > 0 && i < this.segments.length - 1 && first + offsets.length <= below,
    )
    const last = doomed.at(-1)
    if (last === undefined) return
    // Noted first: what a crash leaves behind is not taken for a hole.
    await writeMark(this.disk, 'kept-from', last.first + last.offsets.length)
    this.segments.splice(1, doomed.length)
    for (const { name } of doomed) await this.disk.remove(name)
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
      const segment = this.#open()
      for (const { bytes, resolve } of batch) {
        segment.offsets.push(segment.size)
        segment.size += bytes.length
        resolve()
      }
    }
    // In the same turn as the look at the queue: what comes later begins a commit of its own.
    this.#writing = false
  }

  #open(): Segment {
    return this.segments.at(-1) as Segment
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const [first] = batch
    const last = batch.at(-1)
    if (first === undefined || last === undefined) return
    // Record 0 says whose log this is: its segment outlives every pruning.
    const full = this.#open().size >= this.#segmentBytes || first.height === 1
    if (full && this.#open().first !== first.height) {
      await this.#file.close()
      const name = segmentName(first.height)
      this.#file = await this.disk.open(name, 0)
      this.segments.push({ name, first: first.height, offsets: [], size: 0 })
    }
    await this.#file.append(concatBytes(batch.map(({ bytes }) => bytes)))
    await this.#file.sync()
    await writeMark(this.disk, 'acknowledged', last.height)
  }

  /** What is on the disk is not known any more: nothing may follow until the log is opened anew. */
  #fail(batch: readonly Pending[], error: unknown): void {
    this.#failed = error
    const fault = new LogError('a record can be written', ['the log must be opened anew'], error)
    for (const { reject } of [...batch, ...this.#queue]) reject(fault)
    this.#queue = []
  }
}
