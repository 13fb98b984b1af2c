import { concatBytes } from '../../../sdk/protocol/bytes.ts'

/** What RLP encodes: bytes, or a list of such. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** Depth to which lists may lie in each other: transactions need three. */
const depthMax = 8

/** Encodes an item as RLP. */
export function encodeRlp(item: RlpItem): Uint8Array {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] as number) < 0x80) return item
    return concatBytes([lengthPrefix(item.length, 0x80), item])
  }
  const body = concatBytes(item.map(encodeRlp))
  return concatBytes([lengthPrefix(body.length, 0xc0), body])
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

function lengthPrefix(length: number, base: number): Uint8Array {
  if (length < 56) return Uint8Array.of(base + length)
  const bytes = uintRlp(length)
  return concatBytes([Uint8Array.of(base + 55 + bytes.length), bytes])
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
