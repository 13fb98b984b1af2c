import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
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

test.prop([message])('decode(encode(message)) ≡ message', (one) => {
  expect(decodeMessage(encodeMessage(one))).toEqual(one)
})

test.prop([fc.uint8Array({ maxLength: 200 }).map(hex)])('any bytes decode or are refused', (raw) => {
  try {
    expect(encodeMessage(decodeMessage(raw))).toBe(raw)
  } catch (error) {
    expect(error).toBeInstanceOf(MessageFormatError)
  }
})
