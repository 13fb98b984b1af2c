import { afterEach, expect, test } from 'vitest'
import { createProviders, type Providers } from '../../../relayer/shell/chains/providers.ts'
import { RpcError } from '../../../relayer/shell/chains/rpc.ts'
import { createWindow } from '../../../relayer/shell/chains/window.ts'
import { startNodeDouble, type NodeDouble } from '../../fixtures/relayer/node-double.ts'

const nodes: NodeDouble[] = []
let providers: Providers | undefined

async function open(count: number): Promise<Providers> {
  for (let i = 0; i < count; i++) nodes.push(await startNodeDouble())
  providers = createProviders({ chainId: 1, urls: nodes.map(({ url }) => url) })
  return providers
}

afterEach(async () => {
  providers?.stop()
  await Promise.all(nodes.splice(0).map((node) => node.close()))
})

test('a node’s own error is an answer: its provider stays the first, whatever it says of nonces', async () => {
  const { call, states } = await open(2)
  nodes[0]!.answer = () => ({ error: { code: -32_003, message: 'nonce too low' } })
  await expect(call('eth_sendRawTransaction', ['0x'])).rejects.toBeInstanceOf(RpcError)
  expect(states()[0]).toMatchObject({ score: 1, avoided: 'no' })
  expect(nodes[1]!.asked).toBe(0)
})

test('a provider that is silent has its question put to the next within the hedge’s time', async () => {
  const { call } = await open(2)
  nodes[0]!.answer = () => 'nothing'
  nodes[1]!.answer = () => ({ result: '0x2' })
  const startedAt = performance.now()
  expect(await call('eth_chainId', [])).toBe('0x2')
  expect(performance.now() - startedAt).toBeLessThan(1_900)
})

test('a refused call goes to another provider, and the one that refused is asked less', async () => {
  const { call, states } = await open(2)
  nodes[0]!.answer = () => 429
  nodes[1]!.answer = () => ({ result: '0x2' })
  expect(await call('eth_chainId', [])).toBe('0x2')
  expect(states().map(({ avoided }) => avoided)).toEqual(['failing', 'no'])
  const asked = nodes[0]!.asked
  await call('eth_chainId', [])
  expect(nodes[0]!.asked).toBe(asked)
})

test('a send that a provider does not take goes to the next with the same bytes', async () => {
  const { ordered } = await open(2)
  await nodes[0]!.close()
  nodes[1]!.answer = () => ({ result: '0xhash' })
  const calls = [{ method: 'eth_sendRawTransaction', params: ['0xraw'] }]
  expect(await ordered(calls)).toEqual([{ status: 'ok', result: '0xhash' }])
  expect(nodes[1]!.last).toEqual(['0xraw'])
})

test('a window halves with each refusal, grows again with answers, and never shuts', () => {
  const window = createWindow()
  const first = window.size()
  window.leave('refused')
  expect(window.size()).toBe(first / 2)
  for (let i = 0; i < 10; i++) window.leave('refused')
  expect(window.size()).toBe(1)
  for (let i = 0; i < 20; i++) window.leave('answered')
  expect(window.size()).toBeGreaterThan(3)
})
