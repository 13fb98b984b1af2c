import { fc, test } from '@fast-check/vitest'
import { encodeAbiParameters, keccak256, toRlp } from 'viem/utils'
import { expect } from 'vitest'
import { bytesToHex } from '../../../sdk/protocol/bytes.ts'
import { legResultLeaf, logsHash } from '../../../sdk/protocol/receipt-hash.ts'
import { encodeFields, type Fields } from '../../../sdk/protocol/rlp.ts'

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(bytesToHex)
const log = fc.record({
  address: bytes(20),
  topics: fc.array(bytes(32), { maxLength: 4 }),
  data: fc.uint8Array({ maxLength: 100 }).map(bytesToHex),
})
const logParameters = [
  {
    type: 'tuple[]',
    components: [{ type: 'address' }, { type: 'bytes32[]' }, { type: 'bytes' }],
  },
] as const

test.prop([fc.array(log, { maxLength: 4 })])('logs are hashed as Solidity encodes them', (logs) => {
  const rows = logs.map(({ address, topics, data }) => [address, topics, data] as const)
  expect(logsHash(logs)).toBe(keccak256(encodeAbiParameters(logParameters, [rows])))
})

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const result = fc.record({
  chainId: fc.nat(),
  transactionHash: bytes(32),
  status: fc.constantFrom(0 as const, 1 as const),
  gasUsed: uint64,
  logsHash: bytes(32),
  blockNumber: uint64,
})
const resultParameters = [
  { type: 'uint256' },
  { type: 'uint64' },
  { type: 'bytes32' },
  { type: 'uint8' },
  { type: 'uint64' },
  { type: 'bytes32' },
  { type: 'uint64' },
] as const

test.prop([result, fc.nat(15)])('a result’s leaf is what Solidity would hash', (leg, index) => {
  const encoded = encodeAbiParameters(resultParameters, [
    BigInt(index),
    BigInt(leg.chainId),
    leg.transactionHash,
    leg.status,
    leg.gasUsed,
    leg.logsHash,
    leg.blockNumber,
  ])
  expect(legResultLeaf(leg, index)).toBe(keccak256(keccak256(encoded)))
})

const { fields } = fc.letrec<{ fields: Fields }>((tie) => ({
  fields: fc.oneof(
    { maxDepth: 4 },
    fc.uint8Array({ maxLength: 300 }).map(bytesToHex),
    fc.array(tie('fields'), { maxLength: 40 }),
  ),
}))

test.prop([fields])('fields are RLP as others write it', (item) => {
  expect(bytesToHex(encodeFields(item))).toBe(toRlp(item as never))
})

test('lengths of every size are RLP as others write it', () => {
  for (const length of [0, 1, 55, 56, 255, 256, 65_535, 65_536, 2 ** 24]) {
    const item = bytesToHex(new Uint8Array(length).fill(0x81))
    expect(bytesToHex(encodeFields([item])) === toRlp([item]), `${length} bytes`).toBe(true)
  }
})
