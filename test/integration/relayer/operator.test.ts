import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, startProgram, type Started } from '../../fixtures/relayer/processes.ts'
import {
  getJson,
  sendMany,
  startStack,
  untilDelivered,
  type Stack,
} from '../../fixtures/relayer/stack.ts'

const secrets = { read: 'r'.repeat(20), operate: 'o'.repeat(20), admin: 'a'.repeat(20) } as const
const tokens = Object.entries(secrets)
  .map(([scope, secret]) => `${scope}-token:${scope}:${secret}`)
  .join(',')

let stack: Stack
let working: Started
let api: Started

/** Calls the operator API; gives status and body. */
async function call(method: string, path: string, scope: keyof typeof secrets, body?: unknown) {
  const response = await fetch(`${stack.relayerUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${secrets[scope]}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const messageOf = (id: string) =>
  getJson<{ stage: string; reason?: { code: string; text: string } }>(
    `${stack.relayerUrl}/v1/messages/${id}`,
  )

/** Sends messages and gives the id of the last, once it is in a block. */
async function sendAndSee(count: number, tag: string): Promise<string> {
  const { east, west } = stack
  const before = (await east.events('DispatchId')).length
  await sendMany(east, west, count, tag)
  return await eventually('the dispatch', async () => {
    const ids = await east.events('DispatchId')
    return ids.length === before + count && ids.at(-1)
  })
}

beforeAll(async () => {
  stack = await startStack({ blockTimeS: 1 })
  const roles = ['--roles', 'indexer,submitter,confirmer,janitor']
  const port = { TANDEM_RELAYER_PORT: '0' }
  working = await stack.startRelayer(undefined, port, roles)
  api = await stack.startRelayer(undefined, { TANDEM_RELAYER_TOKENS: tokens }, ['--roles', 'api'])
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

test('roles in processes of their own deliver together, and the API says what the others do', async () => {
  const { east, west, relayerUrl } = stack
  await sendAndSee(5, 'first')
  await untilDelivered(east, west, 5)
  const { lanes } = await getJson<{ lanes: { id: string; held: string | null }[] }>(
    `${relayerUrl}/v1/lanes`,
  )
  expect(lanes.map(({ id }) => id).toSorted()).toEqual(
    [east, west].flatMap(({ chainId }) => [`lane-${chainId}-critical`, `lane-${chainId}-transfer`]),
  )
  await eventually('it is ready', async () => (await fetch(`${relayerUrl}/readyz`)).ok)
  const document = await getJson<{ paths: Record<string, unknown> }>(
    `${relayerUrl}/v1/openapi.json`,
  )
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/v1/messages/{id}/retry', '/v1/policy', '/list_operations']),
  )
}, 60_000)

test('row 22: a message whose handler always refuses is put aside with the reason, harms no other, and an operator decides', async () => {
  const { east, west } = stack
  const rule = {
    errors: [
      {
        name: 'soon',
        retryFirstMs: 100,
        retryMaxMs: 200,
        deadLetter: { count: 3, blocks: 1, ms: 500 },
      },
    ],
  }
  const dry = await call('PUT', '/v1/policy?dryRun=true', 'admin', rule)
  expect(dry.body['changes']).not.toEqual([])
  expect((await call('GET', '/v1/policy', 'read')).body['version']).toBe(0)
  expect((await call('PUT', '/v1/policy', 'admin', rule)).body['version']).toBe(1)

  // Nobody is at home there: the Mailbox's call of the handler fails.
  const nobody = `0x${'77'.repeat(20)}` as const
  await east.dispatch(west.chainId, nobody, '0x01')
  const id = await eventually('the dispatch', async () => {
    const ids = await east.events('DispatchId')
    return ids.length === 6 && ids[5]
  })
  await sendMany(east, west, 3, 'beside')
  await eventually('the others are delivered', async () => {
    return (await west.events('ProcessId')).length === 8
  })
  const dead = await eventually('it is put aside', async () => {
    const found = await messageOf(id)
    return found.stage === 'dead_letter' && found
  })
  expect(dead.reason?.code).toBe('soon')
  const { body: queue } = await call('GET', '/v1/dlq', 'read')
  expect(queue['messages']).toMatchObject([{ id }])
  const { body: trial } = await call('POST', `/v1/messages/${id}/simulate`, 'operate', {})
  expect(trial).toMatchObject({ passes: false, ism: { buildable: true } })

  await call('POST', '/v1/dlq', 'operate', { act: 'retry', ids: [id] })
  await eventually(
    'it is put aside again',
    async () => (await messageOf(id)).stage === 'dead_letter',
  )
  expect((await call('POST', `/v1/messages/${id}/drop`, 'operate', {})).status).toBe(200)
  expect((await messageOf(id)).stage).toBe('dropped')
  const { body: policy } = await call('GET', '/v1/policy', 'read')
  expect(JSON.stringify(policy['audit'])).toContain(`drop ${id}`)
}, 90_000)

test('a paused route holds its messages and says so; resumed it delivers them', async () => {
  const { east, west } = stack
  const before = (await west.events('ProcessId')).length
  const subject = `/v1/routes/${east.chainId}-${west.chainId}`
  await call('POST', `${subject}/pause`, 'operate', { reason: 'a look at the bridge' })
  const id = await sendAndSee(2, 'paused')
  const held = await eventually('it is held', async () => {
    const found = await messageOf(id)
    return found.stage === 'limited' && found
  })
  expect(held.reason?.text).toContain('a look at the bridge')
  expect((await west.events('ProcessId')).length).toBe(before)
  await call('POST', `${subject}/resume`, 'operate', {})
  await eventually('both are delivered', async () => {
    return (await west.events('ProcessId')).length === before + 2
  })
}, 60_000)

test('a bucket that is empty makes messages wait for the next minute’s tokens', async () => {
  const { west } = stack
  const before = (await west.events('ProcessId')).length
  const errors = [{ name: 'any' }]
  const limits = [{ destination: west.chainId, safe: { countPerMinute: 2 } }]
  await call('PUT', '/v1/policy', 'admin', { errors, limits })
  await eventually('every process follows it', async () => {
    return (await call('GET', '/v1/policy', 'read')).body['version'] === 2
  })
  const id = await sendAndSee(6, 'many')
  await eventually('one is limited', async () => {
    const counts = await getJson<Record<string, number>>(`${stack.relayerUrl}/v1/messages/counts`)
    return counts['limited']! > 0
  })
  expect((await west.events('ProcessId')).length).toBeLessThan(before + 6)
  await call('PUT', '/v1/policy', 'admin', { errors })
  await call('POST', '/v1/retry', 'operate', [{ destinationdomain: west.chainId }])
  await eventually('all are delivered', async () => {
    return (await west.events('ProcessId')).length === before + 6
  })
  expect((await messageOf(id)).stage).not.toBe('limited')
}, 60_000)

test('a caller may do what its token’s scope allows, and the refusal names the scope', async () => {
  const { relayerUrl } = stack
  const refused = await call('PUT', '/v1/policy', 'operate', { errors: [{ name: 'x' }] })
  expect(refused.status).toBe(403)
  expect(JSON.stringify(refused.body)).toContain('admin')
  const wrong = await fetch(`${relayerUrl}/v1/lanes`, {
    headers: { authorization: `Bearer ${'x'.repeat(20)}` },
  })
  expect(wrong.status).toBe(401)
}, 30_000)

test('the stream tells each change, from the last one that a reader had', async () => {
  const { relayerUrl } = stack
  const abort = new AbortController()
  const response = await fetch(`${relayerUrl}/v1/stream`, {
    headers: { 'last-event-id': '0-1' },
    signal: abort.signal,
  })
  const id = await sendAndSee(1, 'streamed')
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.includes(`"messageId":"${id}","stage":"final"`)) break
  }
  abort.abort()
  expect(text).toContain(`"messageId":"${id}","stage":"seen"`)
}, 60_000)

test('row 30: a process that is told to stop ends within ten seconds and loses nothing', async () => {
  const { east, west } = stack
  const before = (await west.events('ProcessId')).length
  const sending = sendMany(east, west, 10, 'drain')
  const exited = once(working.child, 'exit')
  const startedAt = performance.now()
  working.child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  await sending
  working = await stack.startRelayer(undefined, { TANDEM_RELAYER_PORT: '0' })
  await eventually('all are delivered', async () => {
    return (await west.events('ProcessId')).length === before + 10
  })
  expect(new Set(await west.events('ProcessId')).size).toBe(before + 10)
}, 60_000)

test.each([
  ['an unknown key', 'version: 1\nretrys: 3\n', 'retrys'],
  ['an unknown chain', 'version: 1\nrelayChains: [east, weast]\n', 'relayChains.weast'],
  [
    'an RPC of another chain',
    'version: 1\nchains:\n  east: { rpcUrl: "WEST" }\n',
    'chains.east.rpcUrl',
  ],
  ['text that is no YAML', 'version: [1\n', 'cannot be read'],
])(
  'row 29: a configuration with %s is refused with its place, exit code 2',
  async (name, text, place) => {
    const { folder, west } = stack
    const file = join(folder, `${name.replaceAll(' ', '-')}.yaml`)
    writeFileSync(
      file,
      `${text.replace('WEST', west.url)}network: ${join(folder, 'network.json')}\n`,
    )
    const logName = `refused-${name.replaceAll(' ', '-')}`
    const refused = await startProgram({
      name: logName,
      file: 'relayer/main.ts',
      args: ['--config', file],
      environment: { TANDEM_RELAYER_PORT: '0' },
      logFolder: join(folder, 'logs'),
      untilReady: false,
    })
    expect(await once(refused.child, 'exit')).toEqual([2, null])
    expect(readFileSync(join(folder, 'logs', `${logName}.log`), 'utf8')).toContain(place)
  },
  30_000,
)

test('the API’s process may die and come back: the others go on', async () => {
  const { east, west } = stack
  const before = (await west.events('ProcessId')).length
  await api.kill()
  await sendMany(east, west, 2, 'headless')
  await eventually('both are delivered', async () => {
    return (await west.events('ProcessId')).length === before + 2
  })
}, 60_000)
