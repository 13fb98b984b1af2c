import { crc32 } from 'node:zlib'
import { LIMITS } from '../../../sdk/protocol/limits.ts'

/** Bytes before a record: its length and the CRC-32 of its bytes, both as uint32 big endian. */
const FRAME_HEADER_BYTES = 8

/** A record may grow beyond the slot's limit by what notes and signatures add. */
const FRAME_BYTES_MAX = LIMITS.slotBytes * 4

/** Puts length and checksum before a record. */
export function frame(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, payload.length)
  view.setUint32(4, crc32(payload))
  bytes.set(payload, FRAME_HEADER_BYTES)
  return bytes
}

/** A record inside a segment. */
export type Framed = { offset: number; payload: Uint8Array; nextOffset: number }

/** Reads the record at `offset`, or undefined when no whole and sound record stands there. */
export function frameAt(bytes: Uint8Array, offset: number): Framed | undefined {
  if (offset + FRAME_HEADER_BYTES > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_BYTES)
  const length = view.getUint32(0)
  const start = offset + FRAME_HEADER_BYTES
  if (length === 0 || length > FRAME_BYTES_MAX || start + length > bytes.length) return undefined
  const payload = bytes.subarray(start, start + length)
  if (crc32(payload) !== view.getUint32(4)) return undefined
  return { offset, payload, nextOffset: start + length }
}

/** Reads sound records from `offset` on; `end` is where the first unsound one begins. */
export function framesFrom(bytes: Uint8Array, offset: number): { frames: Framed[]; end: number } {
  const frames: Framed[] = []
  let end = offset
  for (let next = frameAt(bytes, end); next !== undefined; next = frameAt(bytes, end)) {
    frames.push(next)
    end = next.nextOffset
  }
  return { frames, end }
}

/** Says whether a sound record stands anywhere after `offset`: then what precedes it was whole once. */
export function soundFrameAfter(bytes: Uint8Array, offset: number): boolean {
  for (let at = offset + 1; at + FRAME_HEADER_BYTES < bytes.length; at++) {
    if (frameAt(bytes, at) !== undefined) return true
  }
  return false
}
