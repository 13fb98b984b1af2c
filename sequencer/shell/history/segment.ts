import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { crc32 } from 'node:zlib'
import { assert } from '../../../sdk/protocol/assert.ts'
import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { decodeBlock, encodeBlock } from './block-codec.ts'
import { HistoryError, type Files } from './files.ts'
import type { HistoryBlock } from './history.ts'
import { hashKey, logKeysOf } from './keys.ts'
import { sortPairs, tableAt, wordsOf } from './table.ts'

/** Consecutive blocks of one rollup with the ways to find them; places count from the first block. */
export type Segment = {
  /** Number of its first block. */
  first: number
  count: () => number
  block: (index: number) => HistoryBlock
  /** Where something with this hash may stand, as `index * 65536 + leg`; {@link THE_BLOCK} for a block. */
  places: (hash: Hash) => readonly number[]
  /** Blocks that may have a log with this key, ascending. */
  withLogs: (key: number) => readonly number[]
}

/** Place of a block's own hash: no leg has this number. */
export const THE_BLOCK = 0xffff
const placesPerBlock = 0x10000
const frameBytes = 8
/** Version, blocks, pairs of places, pairs of logs. */
const headWords = 4
const version = 1

/** A segment that grows. What is appended can be read at once and lies in the file after `flush`. */
export type OpenSegment = Segment & {
  append: (entry: HistoryBlock) => void
  /** Writes what was appended; gives the bytes of the file. */
  flush: () => number
  /** Bytes in the file. */
  size: () => number
  /** Keys in memory. */
  keys: () => number
  /** Writes the index beside the file, durably: from now on the segment can be opened as sealed. */
  seal: () => void
  close: () => void
}

/** Name of the file of the segment that begins with a block. */
export function segmentFile(first: number): string {
  return `${String(first).padStart(16, '0')}.blocks`
}

/**
 * Opens the last segment of a rollup, of which `size` bytes are known to be written.
 *
 * @throws {@link HistoryError} when they are not there.
 */
export function openSegment(
  files: Files,
  path: string,
  { first, size }: { first: number; size: number },
): OpenSegment {
  const found = existsSync(path) ? statSync(path).size : 0
  if (found < size) throw new HistoryError(path, found, `it has ${size} bytes`)
  const file = openSync(path, 'a', 0o600)
  ftruncateSync(file, size)
  const index = createIndex()
  const offsets: number[] = []
  let pending: HistoryBlock[] = []
  let end = 0
  for (const payload of payloadsOf(path, size)) {
    index.add(decodeBlock(payload), offsets.length)
    offsets.push(end)
    end += frameBytes + payload.length
  }
  const count = () => offsets.length + pending.length
  return {
    first,
    count,
    size: () => end,
    keys: index.keys,
    block: (at) => {
      const waiting = pending[at - offsets.length]
      if (waiting !== undefined) return waiting
      const start = offsets[at] as number
      const length = (offsets[at + 1] ?? end) - start
      return decodeBlock(payloadAt(path, files.read(path, start, length), start))
    },
    places: (hash) => index.places.get(hashKey(hash)) ?? [],
    withLogs: (key) => index.logs.get(key) ?? [],
    append: (entry) => {
      assert(count() < placesPerBlock, 'a place fits 32 bits')
      index.add(entry, count())
      pending.push(entry)
    },
    flush: () => {
      const parts: Uint8Array[] = []
      for (const entry of pending) {
        const payload = encodeBlock(entry)
        offsets.push(end)
        end += frameBytes + payload.length
        parts.push(headOf(payload), payload)
      }
      pending = []
      writeAll(file, concatBytes(parts))
      return end
    },
    seal: () => {
      fsyncSync(file)
      writeIndex(indexPath(path), { offsets: [...offsets, end], ...index })
    },
    close: () => closeSync(file),
  }
}

type Values = Map<number, number[]>

/** Ways to find blocks by a 32-bit key. */
function createIndex() {
  const places: Values = new Map()
  const logs: Values = new Map()
  let keys = 0
  const note = (table: Values, key: number, value: number) => {
    const list = table.get(key)
    if (list === undefined) table.set(key, [value])
    else list.push(value)
    keys += 1
  }
  return {
    places,
    logs,
    keys: () => keys,
    add: (entry: HistoryBlock, at: number) => {
      note(places, hashKey(entry.block.hash), at * placesPerBlock + THE_BLOCK)
      for (const [i, { hash }] of entry.legs.entries()) {
        note(places, hashKey(hash), at * placesPerBlock + i)
      }
      for (const key of logKeysOf(entry)) note(logs, key, at)
    },
  }
}

/** Payloads of the frames in the first `size` bytes of a file. */
function* payloadsOf(path: string, size: number): Generator<Uint8Array, void> {
  const bytes = size === 0 ? Buffer.alloc(0) : readFileSync(path).subarray(0, size)
  for (let at = 0; at < size;) {
    const payload = payloadAt(path, bytes.subarray(at), at)
    yield payload
    at += frameBytes + payload.length
  }
}

/**
 * Opens a segment that is complete.
 *
 * @throws {@link HistoryError} when file and index do not belong together.
 */
export function openSealed(files: Files, path: string, first: number): Segment {
  const at = indexPath(path)
  const read = (offset: number, length: number) => files.read(at, offset, length)
  const head = wordsOf(read(0, headWords * 4))
  const [found, blocks = 0, placePairs = 0, logPairs = 0] = head
  const offsetsAt = headWords * 4
  const placesAt = offsetsAt + align(blocks + 1) * 4
  const logsAt = placesAt + placePairs * 8
  if (found !== version || statSync(at).size !== logsAt + logPairs * 8) {
    throw new HistoryError(at, 0, `it is an index of version ${version} and whole`)
  }
  const [, end] = wordsOf(read(offsetsAt + (blocks - 1) * 4, 8))
  if (statSync(path).size !== end) throw new HistoryError(path, 0, `it has ${end} bytes`)
  const places = tableAt(read, placesAt, placePairs)
  const logs = tableAt(read, logsAt, logPairs)
  return {
    first,
    count: () => blocks,
    block: (index) => {
      const [start = 0, next = 0] = wordsOf(read(offsetsAt + index * 4, 8))
      return decodeBlock(payloadAt(path, files.read(path, start, next - start), start))
    },
    places: (hash) => places.find(hashKey(hash)),
    withLogs: (key) => logs.find(key),
  }
}

function indexPath(path: string): string {
  return path.replace(/blocks$/, 'index')
}

function writeIndex(
  path: string,
  parts: { offsets: number[]; places: Values; logs: Values },
): void {
  const pairs = (table: Values) =>
    [...table].flatMap(([key, values]) => values.flatMap((value) => [key, value]))
  const places = sortPairs(pairs(parts.places))
  const logs = sortPairs(pairs(parts.logs))
  const blocks = parts.offsets.length - 1
  const head = Uint32Array.of(version, blocks, places.length / 8, logs.length / 8)
  const offsets = new Uint32Array(align(parts.offsets.length))
  offsets.set(parts.offsets)
  const file = openSync(`${path}.new`, 'w', 0o600)
  try {
    for (const part of [bytesOf(head), bytesOf(offsets), places, logs]) writeAll(file, part)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
}

/** Pairs begin at a multiple of eight bytes. */
function align(words: number): number {
  return words + (words % 2)
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

function headOf(payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(frameBytes)
  const view = new DataView(head.buffer)
  view.setUint32(0, payload.length)
  view.setUint32(4, crc32(payload))
  return head
}

/** The payload of the frame that `bytes` begin with, which stands at `offset` of the file. */
function payloadAt(path: string, bytes: Uint8Array, offset: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = bytes.length < frameBytes ? -1 : view.getUint32(0)
  const payload = bytes.subarray(frameBytes, frameBytes + length)
  if (length >= 0 && payload.length === length && crc32(payload) === view.getUint32(4)) {
    return payload
  }
  throw new HistoryError(path, offset, 'a sound block stands there')
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written)
  }
}
