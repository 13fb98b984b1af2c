import type { Hex } from './hex.ts'

/** Two hexadecimal digits of each byte. */
const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))
/** Value of each hexadecimal digit by its character code; 0 for other characters. */
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(value) ? 0 : value
})

/** Joins byte strings. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Writes bytes as lower-case hexadecimal text. */
export function bytesToHex(bytes: Uint8Array): Hex {
  let text = '0x'
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i] as number]
  return text as Hex
}

/** Reads hexadecimal text of whole bytes; other text has no meaning. */
export function hexToBytes(hex: Hex): Uint8Array {
  const bytes = new Uint8Array((hex.length - 2) >>> 1)
  writeHex(hex, { into: bytes, at: 0 })
  return bytes
}

/** A stretch of bytes to write hexadecimal text to. */
type Place = {
  into: Uint8Array
  at: number
  /** First byte of the text that is written; default 0. */
  from?: number
  /** Bytes that are written; default all that follow. */
  count?: number
}

/** Writes the bytes that hexadecimal text stands for. */
export function writeHex(hex: Hex, place: Place): void {
  const { into, at, from = 0, count = ((hex.length - 2) >>> 1) - from } = place
  let digit = 2 + from * 2
  for (let i = at; i < at + count; i++, digit += 2) {
    const high = VALUES[hex.charCodeAt(digit) & 0x7f] as number
    into[i] = (high << 4) | (VALUES[hex.charCodeAt(digit + 1) & 0x7f] as number)
  }
}

/** Writes an unsigned integer in `length` bytes, big endian. */
export function uintBytes(value: bigint | number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let rest = BigInt(value)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}
