import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { redisKeys } from '../../relayer/shell/redis/keys.ts'
import { bodyOf, flood } from '../fixtures/relayer/flood.ts'
import { expectUndisturbedEnd, wasteOf } from '../fixtures/relayer/oracle.ts'
import {
  eventually,
  freePort,
  rpc,
  startRedis,
  type Started,
} from '../fixtures/relayer/processes.ts'
import {
  getJson,
  nonceOf,
  sendMany,
  startStack,
  untilDelivered,
  type Stack,
} from '../fixtures/relayer/stack.ts'

const secret = 'a'.repeat(20)
const tokens = { TANDEM_RELAYER_TOKENS: `admin-token:admin:${secret}` }
/** Transfers that wait while a liquidation goes: `TANDEM_FLOOD=50000` for the design's number. */
const floodCount = Number(process.env['TANDEM_FLOOD'] ?? 3_000)

type Message = { stage: string; reason?: { code: string; text: string } }

let stack: Stack
let sent = 0
const aside: string[] = []
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

/** Dispatches one message and gives its id. */
async function dispatch(to: `0x${string}`, body: `0x${string}`): Promise<`0x${string}`> {
  const { east, west } = stack
  await east.dispatch(west.chainId, to, body)
  sent += 1
  return await eventually('the dispatch', async () => {
    const ids = await east.events('DispatchId')
    return ids.length === sent && ids.at(-1)
  })
}

const messageOf = (id: string) => getJson<Message>(`${stack.relayerUrl}/v1/messages/${id}`)

beforeAll(async () => {
  stack = await startStack({ blockTimeS: 1, trustOwner: true })
  await rpc(stack.east.url, 'evm_setIntervalMining', [0])
  await rpc(stack.east.url, 'evm_setAutomine', [true])
}, 120_000)

afterEach(async () => {
  await Promise.all(running.splice(0).map((relayer) => relayer.kill()))
})

afterAll(async () => {
  await stack?.stop()
})

test('row 24: at fifty times the fee transfers wait below their cap while a liquidation goes; then they go', async () => {
  const { west, relayerUrl } = stack
  await start()
  await send(1, 'cheap')
  await untilDelivered(stack.east, west, sent)
  await rpc(west.url, 'anvil_setNextBlockBaseFeePerGas', ['0x8bb2c97000'])
  await west.node.mine({ blocks: 1 })
  await send(3, 'dear')
  const held = await eventually('the lane says so', async () => {
    const { lanes } = await getJson<{ lanes: { id: string; held: string | null }[] }>(
      `${relayerUrl}/v1/lanes`,
    )
    return lanes.find(({ id }) => id === `lane-${west.chainId}-transfer`)?.held ?? false
  })
  expect(held).toContain('cap')
  const liquidation = await dispatch(west.recipient, bodyOf(stack, 0))
  const done = await eventually('the liquidation is delivered', async () => {
    const ids = await west.events('ProcessId')
    return ids.includes(liquidation) && ids
  })
  expect(done.length).toBeLessThan(sent)
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)

test('row 23: two deliveries of which one undoes the other in its block go one after the other', async () => {
  const { west } = stack
  await start()
  // Takes one message in a block and refuses the next: `sload(0) == number() ? revert : sstore(0, number())`.
  const jealous = `0x${'5a'.repeat(20)}` as const
  await west.node.setCode({ address: jealous, bytecode: '0x435f5414600b57435f55005b5f5ffd' })
  for (const body of ['0x01', '0x02', '0x03'] as const) {
    await stack.east.dispatch(west.chainId, jealous, body)
  }
  sent += 3
  await send(3, 'beside')
  // Tried by itself each would pass: one that lands in another's block is sent again.
  await expectUndisturbedEnd(stack, { sent, wasteMax: 3 })
}, 120_000)

test('row 22: handlers that revert, eat all gas or return a megabyte are put aside, and the others go', async () => {
  const { west, relayerUrl } = stack
  const wasted = await wasteOf(stack)
  await start(undefined, tokens)
  const errors = [
    {
      name: 'soon',
      retryFirstMs: 100,
      retryMaxMs: 200,
      deadLetter: { count: 3, blocks: 1, ms: 500 },
    },
  ]
  const put = await fetch(`${relayerUrl}/v1/policy`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ errors }),
  })
  expect(put.status).toBe(200)
  const poisons = ['0x5f5ffd', '0xfe', '0x621000005ffd'] as const
  const bad: string[] = []
  for (const [i, bytecode] of poisons.entries()) {
    const address = `0x${`6${i}`.repeat(20)}` as `0x${string}`
    await west.node.setCode({ address, bytecode })
    bad.push(await dispatch(address, '0x01'))
    await send(2, `beside-${i}`)
  }
  for (const id of bad) {
    const dead = await eventually('it is put aside', async () => {
      const found = await messageOf(id)
      return found.stage === 'dead_letter' && found
    })
    expect(dead.reason?.code).toBe('soon')
  }
  aside.push(...bad)
  await expectUndisturbedEnd(stack, { sent, aside, wasteMax: wasted })
}, 120_000)

test('row 30: records of the version before are taken over by the next', async () => {
  const { east, network, redisUrl } = stack
  const wasted = await wasteOf(stack)
  const first = await start()
  await stack.validators.get(east.chainId)!.kill()
  await send(4, 'upgrade')
  const ids = (
    await eventually('the dispatches', async () => {
      const found = await east.events('DispatchId')
      return found.length === sent && found
    })
  ).slice(-4)
  await eventually('they wait', async () => {
    const found = await Promise.all(ids.map(messageOf))
    return found.every(({ stage }) => stage === 'awaiting_signatures')
  })
  const exited = once(first.child, 'exit')
  first.child.kill('SIGTERM')
  await exited
  const redis = new Redis(redisUrl)
  for (const id of ids) {
    const key = redisKeys(network.logId).record(id)
    const { alone, failure, ...data } = JSON.parse((await redis.hget(key, 'data')) ?? '') as Record<
      string,
      unknown
    >
    expect([alone, failure].filter((one) => one === true)).toEqual([])
    await redis.hset(key, 'data', JSON.stringify({ ...data, version: 1 }))
  }
  redis.disconnect()
  stack.validators.set(east.chainId, await stack.startValidator(east.chainId))
  await start()
  await expectUndisturbedEnd(stack, { sent, aside, wasteMax: wasted })
}, 90_000)

test('row 20: a second operator’s relayer leaves to the first what it delivers, and steps in when it is gone', async () => {
  const { west, folder } = stack
  const wasted = await wasteOf(stack)
  const first = await start()
  const keys = [generatePrivateKey(), generatePrivateKey()] as const
  for (const key of keys) await west.fund(privateKeyToAccount(key).address)
  const port = await freePort()
  await startRedis({ port, folder: join(folder, 'redis-second') })
  const config = join(folder, 'second.yaml')
  writeFileSync(config, 'version: 1\nbackupDelayMs: 4000\n')
  await start(
    undefined,
    {
      TANDEM_KEY_RELAYER_CRITICAL: keys[0],
      TANDEM_KEY_RELAYER_TRANSFER: keys[1],
      TANDEM_RELAYER_REDIS_URL: `redis://127.0.0.1:${port}`,
      TANDEM_RELAYER_PORT: '0',
    },
    ['--config', config],
  )
  await send(10, 'shared')
  await expectUndisturbedEnd(stack, { sent, aside, wasteMax: wasted })
  const second = privateKeyToAccount(keys[1]).address
  expect(await nonceOf(west, second)).toBe(0)
  await first.kill()
  await send(2, 'stepped in')
  await untilDelivered(stack.east, west, sent - aside.length)
  expect(await nonceOf(west, second)).toBeGreaterThan(0)
}, 120_000)

test(`row 28: a liquidation does not wait behind ${floodCount} transfers`, async () => {
  const { west } = stack
  await flood(stack, floodCount)
  sent += floodCount
  const { url } = stack.network.validators.find(({ chainId }) => chainId === stack.east.chainId)!
  await eventually(
    'all transfers are signed',
    async () => (await fetch(`${url}/v1/checkpoints/${sent - 1}`)).ok,
    floodCount * 20,
  )
  const before = (await west.events('ProcessId')).length
  await start()
  await eventually('the first are delivered', async () => {
    return (await west.events('ProcessId')).length > before
  })
  const startedAt = performance.now()
  const liquidation = await dispatch(west.recipient, bodyOf(stack, 0))
  const done = await eventually('the liquidation is delivered', async () => {
    const ids = await west.events('ProcessId')
    return ids.includes(liquidation) && ids
  })
  const elapsedMs = performance.now() - startedAt
  expect(done.length).toBeLessThan(sent - aside.length)
  expect(elapsedMs).toBeLessThan(5_000)
  await untilDelivered(stack.east, west, sent - aside.length, 200_000)
}, 240_000)
