import { bytesToHex, writeHex } from './bytes.ts'
import type { Hash, Hex } from './hex.ts'
import {
  BLOCK_BYTES,
  createKeccakModule,
  INPUT_AT,
  INPUT_BYTES,
  STATE_BYTES,
} from './keccak-module.ts'

const module = createKeccakModule()
const memory = new Uint8Array(module.memory.buffer)
const HASH_BYTES = 32

/**
 * Keccak-256, as Ethereum uses it, in lower-case hexadecimal text.
 *
 * @param data - Bytes, or hexadecimal text of whole bytes after `0x`; other text has no meaning.
 */
export function keccak256(data: Hex | Uint8Array): Hash {
  absorb(data)
  return bytesToHex(memory.subarray(0, HASH_BYTES))
}

/** {@link keccak256} as 32 bytes. */
export function keccak256Bytes(data: Hex | Uint8Array): Uint8Array {
  absorb(data)
  return memory.slice(0, HASH_BYTES)
}

/** Leaves the hash in the first 32 bytes of the memory. */
function absorb(data: Hex | Uint8Array): void {
  const length = typeof data === 'string' ? (data.length - 2) >>> 1 : data.length
  memory.fill(0, 0, STATE_BYTES)
  let from = 0
  while (length - from >= BLOCK_BYTES) {
    const whole = length - from - ((length - from) % BLOCK_BYTES)
    const part = Math.min(whole, INPUT_BYTES)
    write(data, from, part)
    module.absorb(INPUT_AT, part / BLOCK_BYTES)
    from += part
  }
  const rest = length - from
  write(data, from, rest)
  memory.fill(0, INPUT_AT + rest, INPUT_AT + BLOCK_BYTES)
  memory[INPUT_AT + rest] = 0x01
  memory[INPUT_AT + BLOCK_BYTES - 1]! |= 0x80
  module.absorb(INPUT_AT, 1)
}

/** Writes `count` bytes of the data from the byte `from` where the module reads them. */
function write(data: Hex | Uint8Array, from: number, count: number): void {
  if (typeof data === 'string') writeHex(data, { into: memory, at: INPUT_AT, from, count })
  else memory.set(data.subarray(from, from + count), INPUT_AT)
}
