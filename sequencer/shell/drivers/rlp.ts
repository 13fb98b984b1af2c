/** What RLP encodes: bytes, or a list of such. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** Depth to which lists may lie in each other: transactions need three. */
const depthMax = 8

/** Encodes an item as RLP. Lengths are found first; then every byte is written once. */
export function encodeRlp(item: RlpItem): Uint8Array {
  const lengths: number[] = []
  const bytes = new Uint8Array(measure(item, lengths))
  write(item, { bytes, at: 0, lengths, next: 0 })
  return bytes
}

/** Gives an item's encoded length; notes the content lengths of all lists, outer ones first. */
function measure(item: RlpItem, lengths: number[]): number {
  if (item instanceof Uint8Array) {
    return isItself(item) ? 1 : prefixLength(item.length) + item.length
  }
  const place = lengths.push(0) - 1
  let length = 0
  for (const inner of item) length += measure(inner, lengths)
  lengths[place] = length
  return prefixLength(length) + length
}

type Output = { bytes: Uint8Array; at: number; lengths: readonly number[]; next: number }

function write(item: RlpItem, output: Output): void {
  if (item instanceof Uint8Array) {
    if (!isItself(item)) writePrefix(output, 0x80, item.length)
    output.bytes.set(item, output.at)
    output.at += item.length
    return
  }
  writePrefix(output, 0xc0, output.lengths[output.next++] as number)
  for (const inner of item) write(inner, output)
}

/** A byte below 0x80 stands for itself. */
function isItself(bytes: Uint8Array): boolean {
  return bytes.length === 1 && (bytes[0] as number) < 0x80
}

function writePrefix(output: Output, base: number, length: number): void {
  const size = prefixLength(length) - 1
  if (size === 0) {
    output.bytes[output.at++] = base + length
    return
  }
  output.bytes[output.at++] = base + shortMax + size
  for (let i = size - 1; i >= 0; i--) output.bytes[output.at++] = (length >>> (8 * i)) & 0xff
}

/** Contents longer than this have their length in bytes of its own. */
const shortMax = 55

/** Bytes before a content of some length. */
function prefixLength(length: number): number {
  if (length <= shortMax) return 1
  if (length < 0x100) return 2
  if (length < 0x1_0000) return 3
  return length < 0x100_0000 ? 4 : 5
}

/** Gives an unsigned integer's shortest big-endian bytes; zero has none. */
export function uintRlp(value: bigint | number): Uint8Array {
  const text = value.toString(16)
  if (text === '0') return new Uint8Array(0)
  return Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex')
}

/**
 * Decodes exactly one item of canonical RLP: shortest lengths, nothing behind it.
 *
 * @throws {@link RlpError} for anything else.
 */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, end } = decodeAt(bytes, 0, bytes.length, 0)
  if (end !== bytes.length) throw new RlpError(`${bytes.length - end} bytes follow the item`)
  return item
}

function decodeAt(
  bytes: Uint8Array,
  start: number,
  limit: number,
  depth: number,
): { item: RlpItem; end: number } {
  if (start >= limit) throw new RlpError('it ends before its item')
  const first = bytes[start] as number
  if (first < 0x80) return { item: bytes.subarray(start, start + 1), end: start + 1 }
  const base = first < 0xc0 ? 0x80 : 0xc0
  const { from, end } = extent(bytes, start, limit, first - base)
  if (base === 0x80) {
    const item = bytes.subarray(from, end)
    if (item.length === 1 && (item[0] as number) < 0x80 && from === start + 1) {
      throw new RlpError('a byte below 0x80 has a length in front')
    }
    return { item, end }
  }
  if (depth >= depthMax) throw new RlpError(`lists lie deeper than ${depthMax}`)
  const items: RlpItem[] = []
  for (let at = from; at < end;) {
    const inner = decodeAt(bytes, at, end, depth + 1)
    items.push(inner.item)
    at = inner.end
  }
  return { item: items, end }
}

/** Where an item's content lies: `code` is its first byte above its kind's base. */
function extent(
  bytes: Uint8Array,
  start: number,
  limit: number,
  code: number,
): { from: number; end: number } {
  let from = start + 1
  let length = code
  if (code > 55) {
    const lengthBytes = code - 55
    from += lengthBytes
    if (lengthBytes > 4 || from > limit) throw new RlpError('a length is out of range')
    length = 0
    for (let i = start + 1; i < from; i++) length = length * 256 + (bytes[i] as number)
    if (length < 56 || bytes[start + 1] === 0) throw new RlpError('a length is not the shortest')
  }
  const end = from + length
  if (end > limit) throw new RlpError('an item is longer than what holds it')
  return { from, end }
}

/** Bytes are not the canonical RLP of one item. */
export class RlpError extends Error {
  override readonly name = 'RlpError'
}
