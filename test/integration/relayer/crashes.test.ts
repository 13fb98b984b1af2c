import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { eventually, type Started } from '../../fixtures/relayer/processes.ts'
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
let sent = 0

const signer = developmentKey('relayer-transfer').address

/** What must hold after every fault: each message once, no nonce gap, records equal to the chain. */
async function expectUndisturbedEnd(relayerUrl: string): Promise<void> {
  const { east, west } = stack
  const { sent: ids, done } = await untilDelivered(east, west, sent)
  expect(ids).toHaveLength(sent)
  expect(new Set(done).size).toBe(done.length)
  await eventually('all records are final', async () => {
    const messages = await Promise.all(
      ids.map((id) => getJson<{ stage?: string }>(`${relayerUrl}/v1/messages/${id}`)),
    )
    return messages.every(({ stage }) => stage === 'final' || stage === 'delivered_by_other')
  })
  const [latest, pending] = await Promise.all([
    nonceOf(west, signer),
    west.node.getTransactionCount({ address: signer, blockTag: 'pending' }),
  ])
  expect(pending).toBe(latest)
}

function hashesOf(bySender: Record<string, Record<string, { hash: string }>>): readonly string[] {
  return Object.values(bySender).flatMap((byNonce) =>
    Object.values(byNonce).map(({ hash }) => hash),
  )
}

async function died({ child }: Started): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

beforeAll(async () => {
  stack = await startStack()
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

describe('row 5: a relayer that is killed', () => {
  test.each(['indexed', 'reserved', 'persisted', 'included'])(
    'at "%s" leaves the end state of an undisturbed run to its successor',
    async (place) => {
      const { east, west, relayerUrl } = stack
      const wastedBefore = await wastedNonces(west, signer)
      const crashing = await stack.startRelayer(place)
      await sendMany(east, west, 3, place)
      sent += 3
      await died(crashing)
      expect(crashing.child.signalCode).toBe('SIGKILL')
      const successor = await stack.startRelayer()
      await expectUndisturbedEnd(relayerUrl)
      // Each transaction delivered something: what was sent before the end was sent again as it was.
      expect(await wastedNonces(west, signer)).toBe(wastedBefore)
      await successor.kill()
    },
    60_000,
  )
})

test('row 5: a relayer killed after it broadcast sends the same bytes again, not others', async () => {
  const { east, west, relayerUrl } = stack
  // Nothing is mined: what the dead relayer sent stays in the pool, and its records do not know.
  await west.node.setAutomine(false)
  const crashing = await stack.startRelayer('broadcast')
  await sendMany(east, west, 3, 'pending')
  sent += 3
  await died(crashing)
  const pool = () => west.node.getTxpoolContent().then(({ pending }) => hashesOf(pending))
  const sentBefore = await pool()
  expect(sentBefore.length).toBeGreaterThan(0)

  const successor = await stack.startRelayer()
  await eventually('all three are on their way', async () => {
    const counts = await getJson<Record<string, number>>(`${relayerUrl}/v1/messages/counts`)
    return counts['broadcast'] === 3
  })
  expect(await pool()).toEqual(expect.arrayContaining([...sentBefore]))
  await west.node.mine({ blocks: 1 })
  await west.node.setAutomine(true)
  await expectUndisturbedEnd(relayerUrl)
  expect(await wastedNonces(west, signer)).toBe(0)
  await successor.kill()
}, 60_000)

test('row 1: a Redis that is killed and comes back has lost nothing', async () => {
  const { east, west, relayerUrl } = stack
  const relayer = await stack.startRelayer()
  const nonceBefore = await nonceOf(west, signer)
  const sending = sendMany(east, west, 20, 'redis')
  sent += 20
  await eventually('the first of them is delivered', async () => {
    return (await nonceOf(west, signer)) > nonceBefore
  })
  await stack.restartRedis()
  await sending
  await expectUndisturbedEnd(relayerUrl)
  expect(await wastedNonces(west, signer)).toBe(0)
  await relayer.kill()
}, 60_000)

test('row 2: an emptied Redis is rebuilt from the chains without a second delivery', async () => {
  const { east, west, relayerUrl, redisUrl } = stack
  const relayer = await stack.startRelayer()
  await sendMany(east, west, 5, 'before')
  sent += 5
  await untilDelivered(east, west, sent)
  const redis = new Redis(redisUrl)
  await redis.flushall()
  redis.disconnect()
  await sendMany(east, west, 5, 'after')
  sent += 5
  await expectUndisturbedEnd(relayerUrl)
  expect(await wastedNonces(west, signer)).toBe(0)
  await relayer.kill()
}, 60_000)
