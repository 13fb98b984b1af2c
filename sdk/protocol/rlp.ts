import { assert } from './assert.ts'
import { writeHex } from './bytes.ts'
import type { Hex } from './hex.ts'

/** What RLP encodes: bytes, or a list of such. */
export type Fields = Hex | readonly Fields[]

/** An unsigned integer as RLP has it: big endian without leading zeros, 0 is empty. */
export function uint(value: bigint | number): Hex {
  assert(BigInt(value) >= 0n, 'RLP integers are non-negative')
  if (BigInt(value) === 0n) return '0x'
  const digits = value.toString(16)
  return digits.length % 2 === 0 ? `0x${digits}` : `0x0${digits}`
}

/** A value that may be absent: a list of none or one, so that 0 differs from nothing. */
export function optional(value: bigint | number | undefined): Fields {
  return value === undefined ? [] : [uint(value)]
}

/** First bytes of RLP items: of byte strings and of lists. */
const STRING = 0x80
const LIST = 0xc0
/** Contents longer than this have their length in bytes of its own. */
const SHORT_MAX = 55

/** Encodes fields as RLP. Lengths are found in a first pass, bytes written once in a second. */
export function encodeFields(fields: Fields): Uint8Array {
  const lengths: number[] = []
  const bytes = new Uint8Array(measure(fields, lengths))
  write(fields, { bytes, at: 0, lengths, next: 0 })
  return bytes
}

/** Gives an item's encoded length; notes the content lengths of all lists, outer ones first. */
function measure(fields: Fields, lengths: number[]): number {
  if (typeof fields === 'string') {
    const length = (fields.length - 2) >>> 1
    return length === 1 && isSmall(fields) ? 1 : prefixLength(length) + length
  }
  const place = lengths.push(0) - 1
  let length = 0
  for (const field of fields) length += measure(field, lengths)
  lengths[place] = length
  return prefixLength(length) + length
}

type Output = { bytes: Uint8Array; at: number; lengths: readonly number[]; next: number }

function write(fields: Fields, output: Output): void {
  if (typeof fields === 'string') {
    const length = (fields.length - 2) >>> 1
    if (length !== 1 || !isSmall(fields)) writePrefix(output, STRING, length)
    writeHex(fields, { into: output.bytes, at: output.at })
    output.at += length
    return
  }
  writePrefix(output, LIST, output.lengths[output.next++] as number)
  for (const field of fields) write(field, output)
}

function writePrefix(output: Output, base: number, length: number): void {
  if (length <= SHORT_MAX) {
    output.bytes[output.at++] = base + length
    return
  }
  const size = prefixLength(length) - 1
  output.bytes[output.at++] = base + SHORT_MAX + size
  for (let i = size - 1; i >= 0; i--) output.bytes[output.at++] = (length >>> (8 * i)) & 0xff
}

/** Bytes before a content of some length. */
function prefixLength(length: number): number {
  if (length <= SHORT_MAX) return 1
  if (length < 0x100) return 2
  if (length < 0x1_0000) return 3
  return length < 0x100_0000 ? 4 : 5
}

/** A byte below 0x80 stands for itself. */
function isSmall(byte: Hex): boolean {
  return byte.charCodeAt(2) < '8'.charCodeAt(0)
}
