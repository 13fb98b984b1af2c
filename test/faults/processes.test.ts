import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Redis } from 'ioredis'
import { parseEther } from 'viem'
import { redisKeys } from '../../relayer/shell/redis/keys.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import { expectUndisturbedEnd, metricOf } from '../fixtures/relayer/oracle.ts'
import { eventually, freePort, startRedis, type Started } from '../fixtures/relayer/processes.ts'
import {
  getJson,
  nonceOf,
  sendMany,
  startStack,
  untilDelivered,
  type Stack,
} from '../fixtures/relayer/stack.ts'
import { startTcpProxy } from '../fixtures/relayer/tcp-proxy.ts'

const signer = developmentKey('relayer-transfer').address

let stack: Stack
let sent = 0
const running: Started[] = []

async function start(...given: Parameters<Stack['startRelayer']>): Promise<Started> {
  const relayer = await stack.startRelayer(...given)
  running.push(relayer)
  return relayer
}

async function send(count: number, tag: string): Promise<void> {
  await sendMany(stack.east, stack.west, count, tag)
  sent += count
}

beforeAll(async () => {
  stack = await startStack()
}, 120_000)

afterEach(async () => {
  await Promise.all(running.splice(0).map((relayer) => relayer.kill()))
})

afterAll(async () => {
  await stack?.stop()
})

test('row 6: a relayer killed five times in a row loses nothing and blames no message', async () => {
  for (const place of ['reserved', 'persisted', 'reserved', 'persisted', 'included']) {
    const crashing = await start(place)
    await send(2, `five-${place}`)
    if (crashing.child.signalCode === null) await once(crashing.child, 'exit')
  }
  await start()
  await expectUndisturbedEnd(stack, { sent })
  const counts = await getJson<Record<string, number>>(`${stack.relayerUrl}/v1/messages/counts`)
  expect(counts['dead_letter'] ?? 0).toBe(0)
}, 120_000)

test('row 18: a ledger that runs ahead of the chain is rewound where nothing was broadcast', async () => {
  const { west, network, redisUrl } = stack
  const next = await nonceOf(west, signer)
  const redis = new Redis(redisUrl)
  const key = redisKeys(network.logId).ledger(west.chainId, signer)
  for (const nonce of [next + 3, next + 9]) {
    const entry = { version: 1, nonce, txUuid: `${nonce}`, purpose: 'deliver', messageIds: [] }
    await redis.hset(key, `${nonce}`, JSON.stringify({ ...entry, state: 'reserved', attempts: [] }))
  }
  await start()
  await send(3, 'ahead')
  await expectUndisturbedEnd(stack, { sent })
  expect(Object.keys(await redis.hgetall(key)).filter((nonce) => Number(nonce) > next + 3)).toEqual(
    [],
  )
  redis.disconnect()
}, 60_000)

test('row 4: a relayer cut off from Redis signs no more, and another takes its place', async () => {
  const proxy = await startTcpProxy(Number(new URL(stack.redisUrl).port))
  const redis = { TANDEM_RELAYER_REDIS_URL: `redis://127.0.0.1:${proxy.port}` }
  await start(undefined, { ...redis, TANDEM_RELAYER_PORT: '0' })
  await start()
  await send(3, 'before')
  await untilDelivered(stack.east, stack.west, sent)
  proxy.hold(true)
  await send(6, 'cut off')
  await untilDelivered(stack.east, stack.west, sent)
  proxy.hold(false)
  await send(3, 'together')
  await expectUndisturbedEnd(stack, { sent })
  await Promise.all(running.splice(0).map((relayer) => relayer.kill()))
  await proxy.close()
}, 90_000)

test('row 3: a failover to a replica that lags behind delivers nothing twice', async () => {
  const [mainPort, replicaPort] = [await freePort(), await freePort()]
  const folders = ['main', 'replica'].map((name) => `${stack.folder}/redis-${name}`)
  await startRedis({ port: mainPort, folder: folders[0]! })
  await startRedis({ port: replicaPort, folder: folders[1]! })
  const replica = new Redis(replicaPort, '127.0.0.1')
  await replica.replicaof('127.0.0.1', `${mainPort}`)
  const proxy = await startTcpProxy(mainPort)
  await start(undefined, { TANDEM_RELAYER_REDIS_URL: `redis://127.0.0.1:${proxy.port}` })
  await send(4, 'replicated')
  await expectUndisturbedEnd(stack, { sent })
  await eventually('the replica has them', async () => {
    const counts = await replica.zcard(redisKeys(stack.network.logId).stage('final'))
    const others = await replica.zcard(redisKeys(stack.network.logId).stage('delivered_by_other'))
    return counts + others === sent
  })
  await replica.replicaof('NO', 'ONE')
  await send(4, 'lost with the main one')
  await untilDelivered(stack.east, stack.west, sent)
  proxy.lead(replicaPort)
  await send(4, 'after the failover')
  await expectUndisturbedEnd(stack, { sent })
  replica.disconnect()
  await Promise.all(running.splice(0).map((relayer) => relayer.kill()))
  await proxy.close()
}, 120_000)

test('row 21: a relayer whose event loop stood still has its late writes refused', async () => {
  await start('blocked:reserved', { BLOCK_MS: '8000', TANDEM_RELAYER_PORT: '0' })
  await send(3, 'blocked')
  await start()
  await untilDelivered(stack.east, stack.west, sent)
  await send(2, 'woken')
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)

test('row 26: clocks that are ten minutes apart delay nothing', async () => {
  const skewed = (minutes: number) => ({
    NODE_OPTIONS: '--import ./test/fixtures/relayer/skewed-clock.ts',
    CLOCK_SKEW_MS: `${minutes * 60_000}`,
  })
  await start(undefined, { ...skewed(10), TANDEM_RELAYER_PORT: '0' })
  await start(undefined, skewed(-10))
  await send(6, 'skewed')
  await expectUndisturbedEnd(stack, { sent })
  await running.shift()!.kill()
  await send(3, 'skewed alone')
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)

test('row 25: a signer without money holds its lane and says so; with money it goes on', async () => {
  const { west, relayerUrl } = stack
  await start()
  await send(1, 'funded')
  await untilDelivered(stack.east, stack.west, sent)
  await west.node.setBalance({ address: signer, value: 0n })
  await send(2, 'unfunded')
  await eventually('it says why', async () => {
    const text = await (await fetch(`${relayerUrl}/readyz`)).text()
    return text.includes('cannot pay')
  })
  await eventually('the metric for the alert', async () => {
    return (await metricOf(relayerUrl, 'tandem_relayer_lane_held', 'lane="transfer"')) === 1
  })
  const runway = await metricOf(relayerUrl, 'tandem_relayer_wallet_runway_seconds', 'chain="west"')
  expect(runway).toBeLessThanOrEqual(365 * 86_400)
  await west.node.setBalance({ address: signer, value: parseEther('10') })
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)
