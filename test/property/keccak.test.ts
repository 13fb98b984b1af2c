import { fc, test } from '@fast-check/vitest'
import { keccak256 as reference } from 'viem/utils'
import { bytesToHex } from '../../sdk/protocol/bytes.ts'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { expect } from 'vitest'

test.prop([fc.uint8Array({ maxLength: 700 })])(
  'bytes and text hash as noble hashes them',
  (data) => {
    expect(keccak256(data)).toBe(reference(data))
    expect(keccak256(bytesToHex(data))).toBe(reference(data))
  },
)

test('every length around a block, and one beyond the memory, hashes as noble hashes it', () => {
  const lengths = [0, 1, 134, 135, 136, 137, 271, 272, 273, 65_007, 65_008, 65_009, 200_000]
  for (const length of lengths) {
    const data = Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff)
    expect(keccak256(data), `${length} bytes`).toBe(reference(data))
  }
})
