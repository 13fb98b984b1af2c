import type { Address, Hash, Hex } from './hex.ts'
import { writeHex } from './bytes.ts'
import { keccak256, keccak256Bytes } from './keccak.ts'

/** An unsigned integer as one 32-byte word of an encoded struct; what is negative or wider has no meaning. */
export function word(value: bigint | number): Hash {
  return `0x${value.toString(16).padStart(64, '0')}`
}

/** An address as one 32-byte word. */
export function addressWord(address: Address): Hash {
  return `0x${address.slice(2).toLowerCase().padStart(64, '0')}`
}

/** Words one after the other: what `abi.encode` makes of values without a dynamic part. */
export function joinWords(words: readonly Hex[]): Hex {
  let text = '0x'
  for (const item of words) text += item.slice(2)
  return text as Hex
}

/** What is hashed word by word: text of whole bytes, or an unsigned integer as one word. */
export type Word = Hex | bigint | number

/** keccak256 of {@link joinWords}. */
export function hashWords(words: readonly Word[]): Hash {
  return keccak256(bytesOf(words))
}

/** Hash of a hash, so that no inner node of a tree passes for a leaf. */
export function doubleHash(words: readonly Word[]): Hash {
  return keccak256(keccak256Bytes(bytesOf(words)))
}

const wordBytes = 32
/** Holds the words of one hash at a time. */
let scratch = new Uint8Array(4_096)

/** The words' bytes, until the next words come. */
function bytesOf(words: readonly Word[]): Uint8Array {
  let length = 0
  for (const item of words) length += typeof item === 'string' ? (item.length - 2) >>> 1 : wordBytes
  if (length > scratch.length) scratch = new Uint8Array(length * 2)
  let at = 0
  for (const item of words) {
    if (typeof item === 'string') {
      writeHex(item, { into: scratch, at })
      at += (item.length - 2) >>> 1
    } else if (item <= Number.MAX_SAFE_INTEGER) {
      writeNumber(Number(item), at)
      at += wordBytes
    } else {
      writeHex(word(item), { into: scratch, at })
      at += wordBytes
    }
  }
  return scratch.subarray(0, length)
}

function writeNumber(value: number, at: number): void {
  scratch.fill(0, at, at + wordBytes)
  for (let i = at + wordBytes - 1, rest = value; rest > 0; i--) {
    scratch[i] = rest % 0x100
    rest = Math.floor(rest / 0x100)
  }
}
