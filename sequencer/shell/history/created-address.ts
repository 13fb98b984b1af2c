import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { hexToBytes } from '../../../sdk/protocol/bytes.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { encodeRlp, uintRlp } from '../drivers/rlp.ts'

/** Address of the contract that a transaction without a recipient creates. */
export function createdAddress({ from, nonce }: { from: Address; nonce: number }): Address {
  return `0x${keccak256(encodeRlp([hexToBytes(from), uintRlp(BigInt(nonce))])).slice(26)}`
}
