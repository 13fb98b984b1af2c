import { afterAll, beforeAll, expect, test } from 'vitest'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { eventually } from '../../fixtures/relayer/processes.ts'
import {
  getJson,
  nonceOf,
  sendMany,
  startStack,
  untilDelivered,
  wastedNonces,
  type Stack,
} from '../../fixtures/relayer/stack.ts'

let stack: Stack

beforeAll(async () => {
  stack = await startStack()
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

test('messages in both directions take effect exactly once, sent before and after the relayer starts', async () => {
  const { east, west, relayerUrl } = stack
  await sendMany(east, west, 10)
  await stack.startRelayer()
  await sendMany(west, east, 10)
  await sendMany(east, west, 15, 'later')
  const toWest = await untilDelivered(east, west, 25)
  const toEast = await untilDelivered(west, east, 10)
  expect(new Set(toWest.done).size).toBe(25)
  expect(toWest.done).toHaveLength(25)
  expect(toEast.done).toHaveLength(10)

  // Every transaction of the signer delivered something: no nonce was wasted or skipped.
  const signer = developmentKey('relayer-transfer').address
  expect(await wastedNonces(west, signer)).toBe(0)
  expect(await wastedNonces(east, signer)).toBe(0)
  // What waited for the relayer went in company.
  expect(await nonceOf(west, signer)).toBeLessThan(25)

  await eventually('all records are final', async () => {
    const counts = await getJson<Record<string, number>>(`${relayerUrl}/v1/messages/counts`)
    return counts['final'] === 35
  })
  const id = toWest.sent[0]
  const message = await getJson<{ stage: string; timeline: { event: string }[] }>(
    `${relayerUrl}/v1/messages/${id}`,
  )
  expect(message.stage).toBe('final')
  expect(message.timeline.map(({ event }) => event)).toEqual(
    expect.arrayContaining([
      'seen',
      'metadata_built',
      'reserved',
      'signed',
      'broadcast',
      'included',
      'final',
    ]),
  )
  // Processes tell of themselves at intervals, and all may be done before the first.
  await eventually('it is ready', async () => {
    const { ready } = await getJson<{ ready: boolean }>(`${relayerUrl}/readyz`)
    return ready
  })
}, 90_000)
