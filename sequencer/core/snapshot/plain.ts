import { bytesToHex } from '../../../sdk/protocol/bytes.ts'

/** Data without behaviour: what a state may consist of. */
export type Plain =
  | undefined
  | boolean
  | number
  | bigint
  | string
  | readonly Plain[]
  | ReadonlyMap<Plain, Plain>
  | ReadonlySet<Plain>
  | { readonly [key: string]: Plain }

const TAG = {
  undefined: 0,
  false: 1,
  true: 2,
  integer: 3,
  negative: 4,
  bigint: 5,
  negativeBigint: 6,
  text: 7,
  hex: 8,
  array: 9,
  map: 10,
  set: 11,
  object: 12,
} as const

/** Bytes after which an encoding gives a part away. */
const partBytes = 64 * 1024
/** What lies deeper inside is given away as a whole: an item of a table of the state's memory. */
const partDepth = 4

/**
 * Encodes data, part by part, so that a caller can do something else between two parts. The data must
 * not change meanwhile. Equal data in the same order gives equal bytes.
 *
 * @throws RangeError when a number is no safe integer.
 */
export function* encodePlain(value: Plain): Generator<Uint8Array, void> {
  const writer = createWriter()
  yield* encodeParts(writer, value, partDepth)
  yield writer.take()
}

function* encodeParts(writer: Writer, value: Plain, depth: number): Generator<Uint8Array, void> {
  if (depth === 0 || !(value instanceof Map || isRecord(value))) {
    writeValue(writer, value)
    if (writer.length() >= partBytes) yield writer.take()
    return
  }
  const isMap = value instanceof Map
  const items = isMap ? (value as ReadonlyMap<Plain, Plain>) : new Map(Object.entries(value))
  writer.head(isMap ? TAG.map : TAG.object, items.size)
  for (const [key, item] of items) {
    if (isMap) writeValue(writer, key)
    else writer.text(key as string)
    if (depth > 1) yield* encodeParts(writer, item, depth - 1)
    else {
      writeValue(writer, item)
      if (writer.length() >= partBytes) yield writer.take()
    }
  }
}

function isRecord(value: Plain): value is { readonly [key: string]: Plain } {
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Set)
  )
}

type Writer = {
  byte: (value: number) => void
  head: (tag: number, count: number) => void
  text: (text: string) => void
  /** Writes lower-case hexadecimal text of whole bytes as the bytes; says false of other text. */
  hex: (text: string) => boolean
  length: () => number
  /** Gives what was written since the last call. */
  take: () => Uint8Array
}

/** Bytes that a tag and a count take at most. */
const headBytesMax = 9

function createWriter(): Writer {
  let bytes = new Uint8Array(partBytes * 2)
  let at = 0
  const room = (count: number) => {
    if (at + count <= bytes.length) return
    const wider = new Uint8Array(Math.max(bytes.length * 2, at + count))
    wider.set(bytes.subarray(0, at))
    bytes = wider
  }
  const byte = (value: number) => {
    room(1)
    bytes[at++] = value
  }
  const count = (value: number) => {
    room(headBytesMax)
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80
    bytes[at++] = rest
  }
  const head = (tag: number, size: number) => {
    byte(tag)
    count(size)
  }
  /** Writes text that is not of one byte a letter. */
  const wide = (text: string) => {
    const encoded = new TextEncoder().encode(text)
    count(encoded.length)
    room(encoded.length)
    bytes.set(encoded, at)
    at += encoded.length
  }
  return {
    byte,
    head,
    text: (text) => {
      const start = at
      count(text.length)
      room(text.length)
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code >= 0x80) {
          at = start
          return wide(text)
        }
        bytes[at++] = code
      }
    },
    hex: (text) => {
      const { length } = text
      if (length < 4 || length % 2 !== 0 || !text.startsWith('0x')) return false
      const size = length / 2 - 1
      room(headBytesMax + size)
      const start = at
      head(TAG.hex, size)
      if (!writeDigits(text, bytes, at)) {
        at = start
        return false
      }
      at += size
      return true
    },
    length: () => at,
    take: () => {
      const part = bytes.slice(0, at)
      at = 0
      return part
    },
  }
}

function writeValue(writer: Writer, value: Plain): void {
  if (value === undefined) writer.byte(TAG.undefined)
  else if (typeof value === 'boolean') writer.byte(value ? TAG.true : TAG.false)
  else if (typeof value === 'number') writeNumber(writer, value)
  else if (typeof value === 'bigint') {
    writer.byte(value >= 0n ? TAG.bigint : TAG.negativeBigint)
    writer.text((value >= 0n ? value : -value).toString(16))
  } else if (typeof value === 'string') {
    if (writer.hex(value)) return
    writer.byte(TAG.text)
    writer.text(value)
  } else writeContainer(writer, value)
}

function writeNumber(writer: Writer, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    throw new RangeError(`A number in plain data is a safe integer, not ${value}.`)
  }
  if (value >= 0) writer.head(TAG.integer, value)
  else writer.head(TAG.negative, -value)
}

function writeContainer(
  writer: Writer,
  value: Exclude<Plain, undefined | boolean | number | bigint | string>,
): void {
  if (value instanceof Map) {
    writer.head(TAG.map, value.size)
    for (const [key, item] of value as ReadonlyMap<Plain, Plain>) {
      writeValue(writer, key)
      writeValue(writer, item)
    }
  } else if (value instanceof Set) {
    writer.head(TAG.set, value.size)
    for (const item of value as ReadonlySet<Plain>) writeValue(writer, item)
  } else if (Array.isArray(value)) {
    writer.head(TAG.array, value.length)
    for (const item of value as readonly Plain[]) writeValue(writer, item)
  } else {
    const fields = Object.entries(value as { readonly [key: string]: Plain })
    writer.head(TAG.object, fields.length)
    for (const [key, item] of fields) {
      writer.text(key)
      writeValue(writer, item)
    }
  }
}

/** Writes the bytes of hexadecimal text; says false when a letter is no digit of it. */
function writeDigits(text: string, into: Uint8Array, at: number): boolean {
  for (let i = 2, to = at; i < text.length; i += 2, to++) {
    const high = nibble(text.charCodeAt(i))
    const low = nibble(text.charCodeAt(i + 1))
    if (high < 0 || low < 0) return false
    into[to] = high * 16 + low
  }
  return true
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  return code >= 97 && code <= 102 ? code - 87 : -1
}

/**
 * Decodes what {@link encodePlain} gave.
 *
 * @throws {@link PlainError} when the bytes are something else.
 */
export function decodePlain(bytes: Uint8Array): Plain {
  const reader: Reader = { bytes, at: 0 }
  const value = readValue(reader)
  if (reader.at !== bytes.length) throw new PlainError(reader.at, 'the bytes go on')
  return value
}

type Reader = { bytes: Uint8Array; at: number }

function readByte(reader: Reader): number {
  const byte = reader.bytes[reader.at]
  if (byte === undefined) throw new PlainError(reader.at, 'the bytes end too early')
  reader.at += 1
  return byte
}

function readCount(reader: Reader): number {
  let value = 0
  let factor = 1
  for (;;) {
    const byte = readByte(reader)
    value += (byte & 0x7f) * factor
    if (!Number.isSafeInteger(value)) throw new PlainError(reader.at, 'a count is too large')
    if (byte < 0x80) return value
    factor *= 0x80
  }
}

function readBytes(reader: Reader): Uint8Array {
  const size = readCount(reader)
  const part = reader.bytes.subarray(reader.at, reader.at + size)
  if (part.length !== size) throw new PlainError(reader.at, 'the bytes end too early')
  reader.at += size
  return part
}

function readText(reader: Reader): string {
  return new TextDecoder().decode(readBytes(reader))
}

function readValue(reader: Reader): Plain {
  const { at } = reader
  const tag = readByte(reader)
  switch (tag) {
    case TAG.undefined:
      return undefined
    case TAG.false:
      return false
    case TAG.true:
      return true
    case TAG.integer:
      return readCount(reader)
    case TAG.negative:
      return -readCount(reader)
    case TAG.bigint:
      return BigInt(`0x${readText(reader)}`)
    case TAG.negativeBigint:
      return -BigInt(`0x${readText(reader)}`)
    case TAG.text:
      return readText(reader)
    case TAG.hex:
      return bytesToHex(readBytes(reader))
    default:
      return readContainer(reader, tag, at)
  }
}

function readContainer(reader: Reader, tag: number, at: number): Plain {
  if (tag < TAG.array || tag > TAG.object) throw new PlainError(at, `tag ${tag} is unknown`)
  const size = readCount(reader)
  if (tag === TAG.array) return Array.from({ length: size }, () => readValue(reader))
  if (tag === TAG.set) {
    const items = new Set<Plain>()
    for (let i = 0; i < size; i++) items.add(readValue(reader))
    return items
  }
  if (tag === TAG.map) {
    const items = new Map<Plain, Plain>()
    for (let i = 0; i < size; i++) items.set(readValue(reader), readValue(reader))
    return items
  }
  const fields: Record<string, Plain> = {}
  for (let i = 0; i < size; i++) fields[readText(reader)] = readValue(reader)
  return fields
}

/** Bytes are no encoded data. */
export class PlainError extends Error {
  override readonly name = 'PlainError'

  constructor(offset: number, reason: string) {
    super(`Encoded data cannot be read at byte ${offset}: ${reason}.`)
  }
}
