import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { expectUndisturbedEnd, metricOf } from '../fixtures/relayer/oracle.ts'
import { eventually } from '../fixtures/relayer/processes.ts'
import { startRpcProxy, type RpcProxy } from '../fixtures/relayer/rpc-proxy.ts'
import { sendMany, startStack, untilDelivered, type Stack } from '../fixtures/relayer/stack.ts'

let stack: Stack
let sent = 0
const proxies: Record<'east' | 'west', RpcProxy[]> = { east: [], west: [] }

const all = () => [...proxies.east, ...proxies.west]

/** Sends one message and gives the milliseconds to its delivery. */
async function deliverOne(tag: string): Promise<number> {
  const { east, west } = stack
  await sendMany(east, west, 1, tag)
  sent += 1
  const startedAt = performance.now()
  await untilDelivered(east, west, sent)
  return performance.now() - startedAt
}

/** Waits until every provider is trusted again, so that the first is the one that is asked. */
const healthy = () =>
  eventually('all providers are trusted again', async () => {
    const [avoided, score] = await Promise.all([
      metric('tandem_relayer_provider_avoided'),
      metric('tandem_relayer_provider_score'),
    ])
    return avoided === 0 && score > 3.8
  })

const metric = (name: string, labels?: string) => metricOf(stack.relayerUrl, name, labels)

beforeAll(async () => {
  stack = await startStack()
  const chains: Record<string, object> = {}
  for (const name of ['east', 'west'] as const) {
    for (let i = 0; i < 2; i++) proxies[name].push(await startRpcProxy(stack[name].url))
    chains[name] = { rpcUrls: proxies[name].map(({ url }) => url) }
  }
  const config = join(stack.folder, 'relayer.yaml')
  writeFileSync(config, JSON.stringify({ version: 1, chains }))
  await stack.startRelayer(undefined, {}, ['--config', config])
  await deliverOne('first')
}, 120_000)

afterEach(() => {
  for (const proxy of all()) proxy.be({})
})

afterAll(async () => {
  await Promise.all(all().map((proxy) => proxy.close()))
  await stack?.stop()
})

test('row 7: a provider that closes is replaced within a second; with none left all wait, and go on by themselves', async () => {
  for (const [first] of Object.values(proxies)) first!.be({ closed: true })
  expect(await deliverOne('closed')).toBeLessThan(1_000)

  for (const proxy of all()) proxy.be({ closed: true })
  await sendMany(stack.east, stack.west, 2, 'nobody')
  sent += 2
  await eventually('it says that it is not ready', async () => {
    const response = await fetch(`${stack.relayerUrl}/readyz`)
    return response.status === 503 && (await response.text()).includes('the chain does not answer')
  })
  for (const proxy of all()) proxy.be({})
  await expectUndisturbedEnd(stack, { sent })
  await eventually('it is ready again', async () => (await fetch(`${stack.relayerUrl}/readyz`)).ok)
}, 90_000)

test('row 8: a provider that takes requests and never answers costs no more than a call’s time', async () => {
  for (const [first] of Object.values(proxies)) first!.be({ silent: true })
  expect(await deliverOne('silent')).toBeLessThan(7_000)
  expect(await deliverOne('silent still')).toBeLessThan(4_000)
  await eventually('the silence is counted', async () => {
    return (await metric('tandem_relayer_provider_faults_total', 'kind="timeout"')) > 0
  })
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)

test('row 9: providers that refuse every third request slow deliveries down, no more', async () => {
  for (const proxy of all()) proxy.be({ refuseEvery: 3 })
  await sendMany(stack.east, stack.west, 20, 'refused')
  sent += 20
  await expectUndisturbedEnd(stack, { sent })
  expect(await metric('tandem_relayer_provider_faults_total', 'kind="refused"')).toBeGreaterThan(0)
}, 90_000)

test('row 11: a forged dispatch is believed by nobody while providers contradict each other', async () => {
  const { east, west } = stack
  await healthy()
  const [honest, forged] = ['honest-', 'forged-'].map((word) => Buffer.from(word).toString('hex'))
  const disagreements = await metric('tandem_relayer_provider_disagreements_total')
  proxies.east[0]!.be({
    tell: ({ method }, result) => {
      if (method !== 'eth_getLogs') return result
      return JSON.parse(JSON.stringify(result).replaceAll(honest!, forged!)) as unknown
    },
  })
  const before = (await west.events('ProcessId')).length
  await sendMany(east, west, 1, 'honest')
  sent += 1
  await eventually('the contradiction is counted', async () => {
    return (await metric('tandem_relayer_provider_disagreements_total')) > disagreements
  })
  expect((await west.events('ProcessId')).length).toBe(before)
  proxies.east[0]!.be({})
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)

test('row 11: a head that stands still is seen by its lag, and another provider is asked', async () => {
  const { east, west } = stack
  await healthy()
  const frozen = `0x${(await east.node.getBlockNumber()).toString(16)}`
  proxies.east[0]!.be({
    ask: (call) => {
      const { method, params } = call
      const asksHead = method === 'eth_getBlockByNumber' && params[0] === 'latest'
      return asksHead ? { ...call, params: [frozen, false] } : call
    },
    tell: ({ method }, result) => (method === 'eth_blockNumber' ? frozen : result),
  })
  await sendMany(east, west, 6, 'unseen')
  sent += 6
  await expectUndisturbedEnd(stack, { sent })
  await eventually('its lag is shown', async () => {
    return (await metric('tandem_relayer_provider_lag_blocks', 'provider="0:')) > 3
  })
}, 90_000)

test('row 11: a validator does not sign a root that its second provider contradicts', async () => {
  const { east, west, network } = stack
  const lying = proxies.east[1]!
  await stack.validators.get(east.chainId)!.kill()
  const more = { TANDEM_VALIDATOR_OTHER_RPC_URLS: lying.url }
  stack.validators.set(east.chainId, await stack.startValidator(east.chainId, more))
  const hook = east.contracts.merkleTreeHook.toLowerCase()
  lying.be({
    tell: ({ method, params }, result) => {
      const asked = method === 'eth_call' && (params[0] as { to?: string }).to?.toLowerCase()
      return asked === hook ? `0x${'ab'.repeat(32)}${String(result).slice(66)}` : result
    },
  })
  await sendMany(east, west, 1, 'contradicted')
  sent += 1
  const { url } = network.validators.find(({ chainId }) => chainId === east.chainId)!
  await eventually('it says why it does not sign', async () => {
    return (await (await fetch(`${url}/readyz`)).text()).includes('providers disagree on the root')
  })
  expect((await fetch(`${url}/v1/checkpoints/${sent - 1}`)).status).toBe(404)
  lying.be({})
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)

test('row 10: a provider that leaves out logs is caught, and the other is asked', async () => {
  const gaps = await metric('tandem_relayer_log_gaps_total')
  await healthy()
  proxies.east[0]!.be({ tell: ({ method }, result) => (method === 'eth_getLogs' ? [] : result) })
  expect(await deliverOne('left out')).toBeLessThan(5_000)
  expect(await metric('tandem_relayer_log_gaps_total')).toBeGreaterThan(gaps)
  await eventually('it is asked last', async () => {
    return (await metric('tandem_relayer_provider_avoided', 'chain="east",provider="0:')) === 1
  })
  await expectUndisturbedEnd(stack, { sent })
}, 90_000)
