import { expect, test } from 'vitest'
import { classOf, laneOfClass, MESSAGE_CLASSES } from '../../../relayer/core/class.ts'

const ours = `0x${'11'.repeat(20)}` as const
const logId = `0x${'b'.repeat(64)}` as const
const trust = { senders: new Set([ours]), logId }
const word = (address: string) => `0x${'0'.repeat(24)}${address.slice(2)}` as const

/** version ‖ type ‖ class ‖ nonce u64 ‖ logId bytes8 ‖ body, as the contracts write it. */
const body = (messageClass: number, { version = 1, log = 'b'.repeat(16) } = {}) =>
  `0x0${version}010${messageClass}${'0'.repeat(16)}${log}ffff` as const

const message = (from: string, bytes: `0x${string}`) => ({
  nonce: 0,
  origin: 901,
  sender: word(from),
  destination: 902,
  recipient: word(ours),
  body: bytes,
})

test('a class counts when one of our contracts of this network wrote it', () => {
  const classes = [0, 1, 2, 3, 4].map((number) => classOf(message(ours, body(number)), trust))
  expect(classes).toEqual([...MESSAGE_CLASSES])
})

test('nobody else takes a priority by writing our bytes', () => {
  const stranger = `0x${'22'.repeat(20)}`
  expect(classOf(message(stranger, body(0)), trust)).toBe('transfer')
})

test.each([
  ['another version', body(0, { version: 2 })],
  ['another network', body(0, { log: 'c'.repeat(16) })],
  ['a class that does not exist', body(9)],
  ['too few bytes', '0x0101' as const],
])('a body of %s is a transfer', (_name, bytes) => {
  expect(classOf(message(ours, bytes), trust)).toBe('transfer')
})

test('only what protects the pool uses the critical signer', () => {
  expect(MESSAGE_CLASSES.map(laneOfClass)).toEqual([
    'critical',
    'critical',
    'transfer',
    'transfer',
    'transfer',
  ])
})
