import { encodePacked, keccak256 } from 'viem'
import { describe, expect, test } from 'vitest'
import {
  addressOfWord,
  decodeMessage,
  encodeMessage,
  MESSAGE_BODY_BYTES_MAX,
  MessageFormatError,
  messageIdOf,
  wordOfAddress,
} from '../../../relayer/core/message.ts'

const sender = `0x${'0'.repeat(24)}${'11'.repeat(20)}` as const
const recipient = `0x${'0'.repeat(24)}${'22'.repeat(20)}` as const
const message = {
  nonce: 7,
  origin: 901,
  sender,
  destination: 902,
  recipient,
  body: '0xdeadbeef',
} as const

const packed = (version = 3, body: `0x${string}` = message.body) =>
  encodePacked(
    ['uint8', 'uint32', 'uint32', 'bytes32', 'uint32', 'bytes32', 'bytes'],
    [version, 7, 901, sender, 902, recipient, body],
  )

describe('a message', () => {
  test('has the layout of the Mailbox and its keccak256 as id', () => {
    expect(encodeMessage(message)).toBe(packed())
    expect(decodeMessage(packed())).toEqual(message)
    expect(messageIdOf(packed())).toBe(keccak256(packed()))
  })

  test('without a body keeps an empty one', () => {
    expect(decodeMessage(packed(3, '0x')).body).toBe('0x')
  })

  test.each([
    ['another version', packed(2), 'rule: version 3; actual: 2'],
    ['too few bytes', packed().slice(0, 100), 'at least 77 bytes'],
    ['half a byte', `${packed()}0`, 'hexadecimal bytes'],
    [
      'a body above the limit',
      packed(3, `0x${'00'.repeat(MESSAGE_BODY_BYTES_MAX + 1)}`),
      'at most 16384',
    ],
  ])('with %s is refused by rule and value', (_name, raw, said) => {
    const refusal = () => decodeMessage(raw as `0x${string}`)
    expect(refusal).toThrow(MessageFormatError)
    expect(refusal).toThrow(said)
  })
})

test('an address survives being widened to a word', () => {
  const address = `0x${'Ab'.repeat(20)}` as const
  expect(addressOfWord(wordOfAddress(address))).toBe(address.toLowerCase())
})
