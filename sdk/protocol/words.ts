import type { Address, Hash, Hex } from './hex.ts'
import { keccak256 } from './keccak.ts'

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

/** keccak256 of {@link joinWords}. */
export function hashWords(words: readonly Hex[]): Hash {
  return keccak256(joinWords(words))
}

/** Hash of a hash, so that no inner node of a tree passes for a leaf. */
export function doubleHash(words: readonly Hex[]): Hash {
  return keccak256(hashWords(words))
}
