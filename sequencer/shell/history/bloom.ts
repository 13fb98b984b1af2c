import { keccak256Bytes } from '../../../sdk/protocol/keccak.ts'
import { bytesToHex } from '../../../sdk/protocol/bytes.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { LegLog } from '../../core/entries/execution.ts'

const bloomBytes = 256

/** Gives the bloom filter over the addresses and topics of logs, 256 bytes. */
export function logsBloom(logs: readonly LegLog[]): Hex {
  const bloom = new Uint8Array(bloomBytes)
  for (const { address, topics } of logs) {
    for (const item of [address, ...topics]) addItem(bloom, item)
  }
  return bytesToHex(bloom)
}

/** Three bits per item: the low 11 bits of the first three pairs of bytes of its hash. */
function addItem(bloom: Uint8Array, item: Hex): void {
  const hash = keccak256Bytes(item)
  for (const at of [0, 2, 4]) {
    const bit = (((hash[at] as number) << 8) | (hash[at + 1] as number)) & 0x7ff
    const index = bloomBytes - 1 - (bit >> 3)
    bloom[index] = (bloom[index] as number) | (1 << (bit & 7))
  }
}
