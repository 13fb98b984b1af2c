import { expect, test } from 'vitest'
import {
  earlyCursor,
  emptyEarlyView,
  releasable,
  takeEarly,
  type EarlyEvent,
} from '../../../relayer/core/early.ts'

const accepted = (place: bigint, blockNumber: number): EarlyEvent => {
  const word = `0x${'1'.repeat(64)}` as const
  const message = { place, origin: 902, nonce: 1, messageId: word, blockNumber }
  return { type: 'accepted', message: { ...message, transactionHash: word } }
}
const held = (place: bigint, until: bigint, blockNumber: number): EarlyEvent => {
  return { type: 'held', payment: { place, until, blockNumber } }
}

// Goal: whoever takes over and reads from the cursor knows everything that is open, whatever came twice.

test('the cursor is the oldest block with something open, else the next one', () => {
  const view = emptyEarlyView()
  expect(earlyCursor(view, 50)).toBe(51)
  for (const event of [accepted(0n, 10), accepted(1n, 20), held(0n, 2n, 30)]) takeEarly(view, event)
  expect(earlyCursor(view, 50)).toBe(10)
  takeEarly(view, { type: 'closed', place: 0n })
  takeEarly(view, { type: 'closed', place: 0n })
  expect(earlyCursor(view, 50)).toBe(20)
  takeEarly(view, { type: 'closed', place: 1n })
  expect(earlyCursor(view, 50)).toBe(30)
  takeEarly(view, { type: 'released', place: 0n })
  expect(earlyCursor(view, 50)).toBe(51)
})

test('a payment leaves when everything before it is confirmed, the oldest first', () => {
  const view = emptyEarlyView()
  for (const event of [held(2n, 7n, 1), held(0n, 5n, 1), held(1n, 6n, 1)]) takeEarly(view, event)
  expect(releasable(view, 4n)).toEqual([])
  expect(releasable(view, 6n).map(({ place }) => place)).toEqual([0n, 1n])
})
