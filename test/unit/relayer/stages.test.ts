import { expect, test } from 'vitest'
import { advance, type MessageEvent, type MessageRecord } from '../../../relayer/core/stages.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}` as const
const position = { blockNumber: 1, blockHash: hash('1'), logIndex: 0, transactionHash: hash('2') }
const seen: MessageRecord = {
  version: 2,
  id: hash('3'),
  raw: '0x03',
  origin: 901,
  destination: 902,
  nonce: 0,
  sender: hash('4'),
  recipient: hash('5'),
  class: 'transfer',
  stage: 'seen',
  epoch: 0,
  position,
  attempts: 0,
}
const delivery = { blockNumber: 9, blockHash: hash('6'), transactionHash: hash('7') }
const reason = { code: 'why', text: 'because' }
const reserved = { type: 'reserved', lane: 'transfer', txUuid: 'u', nonce: 4 } as const

function walk(...events: MessageEvent[]): MessageRecord {
  return events.reduce((record, event) => {
    const next = advance(record, event)
    if (next.status !== 'ok') throw new Error(`${event.type} does not fit ${record.stage}`)
    return next.record
  }, seen)
}

const untilBroadcast: MessageEvent[] = [
  { type: 'not_final', reason },
  { type: 'not_signed', reason },
  { type: 'metadata_built', metadata: '0xaa' },
  reserved,
  { type: 'signed', transactionHash: hash('7') },
  { type: 'broadcast', transactionHash: hash('7') },
]

test('a message goes its whole way, one epoch a step', () => {
  const end = walk(
    ...untilBroadcast,
    { type: 'included', delivery },
    { type: 'safe' },
    { type: 'final' },
  )
  expect(end).toMatchObject({ stage: 'final', epoch: 9, delivery, reason: undefined })
  expect(end.metadata).toBeUndefined()
  expect(end.submission).toEqual({
    lane: 'transfer',
    txUuid: 'u',
    nonce: 4,
    transactionHash: hash('7'),
  })
})

test('a step that does not fit changes nothing', () => {
  expect(advance(seen, { type: 'final' })).toEqual({ status: 'not_from_here' })
  expect(advance(seen, { type: 'signed', transactionHash: hash('7') })).toEqual({
    status: 'not_from_here',
  })
  const end = walk(...untilBroadcast, { type: 'included', delivery }, { type: 'final' })
  expect(advance(end, { type: 'requeued', reason, failed: true })).toEqual({
    status: 'not_from_here',
  })
  expect(advance(end, { type: 'delivered_by_other' })).toEqual({ status: 'not_from_here' })
})

test('a message whose transaction is gone starts anew and counts the failure', () => {
  const again = walk(...untilBroadcast, { type: 'requeued', reason, failed: true })
  expect(again).toMatchObject({ stage: 'seen', attempts: 1, reason })
  expect(again.submission).toBeUndefined()
  expect(again.metadata).toBeUndefined()
})

test('a replacement keeps a broadcast message where it is', () => {
  const replaced = walk(...untilBroadcast, { type: 'signed', transactionHash: hash('8') })
  expect(replaced.stage).toBe('broadcast')
  expect(replaced.submission?.transactionHash).toBe(hash('8'))
})

test('a delivery whose block is gone is under way again', () => {
  const back = walk(...untilBroadcast, { type: 'included', delivery }, { type: 'unmined' })
  expect(back).toMatchObject({ stage: 'broadcast', delivery: undefined })
})

test('a message that its origin took back can come again elsewhere', () => {
  const moved = { ...position, blockNumber: 3 }
  const back = walk(
    ...untilBroadcast,
    { type: 'orphaned', reason },
    { type: 'seen_again', position: moved },
  )
  expect(back).toMatchObject({ stage: 'seen', position: moved, submission: undefined })
})
