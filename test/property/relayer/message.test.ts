import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../risk/runs.ts'
import { decodeMessage, encodeMessage, MessageFormatError } from '../../../relayer/core/message.ts'

const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}` as const
const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex)
const uint32 = fc.nat({ max: 0xffff_ffff })
const message = fc.record({
  nonce: uint32,
  origin: uint32,
  sender: word,
  destination: uint32,
  recipient: word,
  body: fc.uint8Array({ maxLength: 300 }).map(hex),
})

test('decode(encode(message)) ≡ message', () => {
  const property = fc.property(message, (one) => {
    expect(decodeMessage(encodeMessage(one))).toEqual(one)
  })
  fc.assert(property, runs(200))
})

test('any bytes decode to a message that encodes to them, or are refused', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }).map(hex), (raw) => {
    expect(encodedAgain(raw)).toBe(raw)
  })
  fc.assert(property, runs(200))
})

function encodedAgain(raw: `0x${string}`): string {
  try {
    return encodeMessage(decodeMessage(raw))
  } catch (error) {
    if (error instanceof MessageFormatError) return raw
    throw error
  }
}
