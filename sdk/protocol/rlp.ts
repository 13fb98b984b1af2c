import { assert } from './assert.ts'
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
