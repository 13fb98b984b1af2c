import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { LegLog } from '../../core/entries/execution.ts'
import type { PublishedLeg } from '../port.ts'
import type { HistoryBlock } from './history.ts'

/** Encodes a block as it is kept on disk: numbers as uint32 or uint64, bytes after their length. */
export function encodeBlock({ block, legs }: HistoryBlock): Uint8Array {
  const writer = createWriter(sizeOf({ block, legs }))
  writer.integer(block.number)
  writer.integer(block.timestampS)
  writer.bytes(block.hash)
  writer.bytes(block.header)
  writer.count(legs.length)
  for (const { hash, rawTx, outcome } of legs) {
    writer.bytes(hash)
    writer.bytes(rawTx)
    writer.count(outcome.status)
    writer.integer(outcome.gasUsed)
    writer.count(outcome.logs.length)
    for (const { address, topics, data } of outcome.logs) {
      writer.bytes(address)
      writer.count(topics.length)
      for (const topic of topics) writer.bytes(topic)
      writer.bytes(data)
    }
  }
  return writer.taken()
}

/** Decodes a block that {@link encodeBlock} wrote. */
export function decodeBlock(bytes: Uint8Array): HistoryBlock {
  const reader = createReader(bytes)
  const number = Number(reader.integer())
  const timestampS = Number(reader.integer())
  const hash = reader.bytes<Hash>()
  const header = reader.bytes<Hex>()
  const legs = listOf(reader.count(), () => readLeg(reader))
  return { block: { number, hash, timestampS, header }, legs }
}

const countBytes = 4
const integerBytes = 8

/** Bytes of the encoding, at most. */
function sizeOf({ block, legs }: HistoryBlock): number {
  const bytes = (hex: Hex) => countBytes + hex.length / 2
  let size = integerBytes * 2 + bytes(block.hash) + bytes(block.header) + countBytes
  for (const { hash, rawTx, outcome } of legs) {
    size += bytes(hash) + bytes(rawTx) + integerBytes + countBytes * 2
    for (const { address, topics, data } of outcome.logs) {
      size += bytes(address) + countBytes + bytes(data)
      for (const topic of topics) size += bytes(topic)
    }
  }
  return size
}

function createWriter(size: number) {
  const buffer = Buffer.allocUnsafe(Math.ceil(size))
  let at = 0
  const count = (value: number) => {
    at = buffer.writeUInt32BE(value, at)
  }
  return {
    count,
    integer: (value: number | bigint) => {
      at = buffer.writeBigUInt64BE(BigInt(value), at)
    },
    bytes: (hex: Hex) => {
      count(hex.length / 2 - 1)
      at += buffer.write(hex.slice(2), at, 'hex')
    },
    taken: () => buffer.subarray(0, at),
  }
}

type Reader = {
  count: () => number
  integer: () => bigint
  bytes: <T extends Hex>() => T
}

function createReader(bytes: Uint8Array): Reader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const count = () => {
    const value = buffer.readUInt32BE(at)
    at += countBytes
    return value
  }
  return {
    count,
    integer: () => {
      const value = buffer.readBigUInt64BE(at)
      at += integerBytes
      return value
    },
    bytes: <T extends Hex>() => {
      const length = count()
      const hex = buffer.toString('hex', at, at + length)
      at += length
      return `0x${hex}` as T
    },
  }
}

function readLeg(reader: Reader): PublishedLeg {
  const hash = reader.bytes<Hash>()
  const rawTx = reader.bytes<Hex>()
  const status = reader.count() as 0 | 1
  const gasUsed = reader.integer()
  const logs = listOf(reader.count(), (): LegLog => {
    const address = reader.bytes<LegLog['address']>()
    const topics = listOf(reader.count(), () => reader.bytes<Hash>())
    return { address, topics, data: reader.bytes<Hex>() }
  })
  return { hash, rawTx, outcome: { status, gasUsed, logs } }
}

function listOf<T>(length: number, make: () => T): T[] {
  return Array.from({ length }, make)
}
