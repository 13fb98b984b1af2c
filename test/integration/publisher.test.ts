import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recoverTypedDataAddress } from 'viem'
import { afterEach, expect, test } from 'vitest'
import { developmentKey } from '../../sdk/process/keys.ts'
import { feedUpdateTypes, tandemDomain } from '../../sdk/protocol/feeds.ts'
import { type MarksGateway, startMarksGateway } from '../fixtures/marks-gateway.ts'
import { networkFixture } from '../fixtures/network.ts'

const MAIN = fileURLToPath(new URL('../../sequencer/feeds/main.ts', import.meta.url))
const FEEDS = (['feed-0', 'feed-1', 'feed-2'] as const).map((role) => developmentKey(role).address)
const DEADLINE_MS = 20_000
/** The lowest snapshot of the recording, in recorded time. */
const LOW_MS = Date.parse('2026-02-05T21:29:37.885Z')

const children: ChildProcess[] = []
const gateways: MarksGateway[] = []

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => end(child, 'SIGKILL')))
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()))
})

test('the publisher plays the fall, outlives kill -9, and repeats no sequence', async () => {
  const { gateway, networkFile, url } = await prepare()
  const first = publish(networkFile)
  await until(() => symbolsOf(gateway).size === 2)
  const [earliest] = gateway.accepted
  if (earliest === undefined) throw new Error('an update was accepted')
  expect(await signersOf(earliest)).toBe(2)
  const expiriesS = earliest.update.expiries.map(({ expiryS }) => expiryS)
  expect(expiriesS.every((expiryS) => expiryS % 3_600 === 0)).toBe(true)

  const highest = spotOf(gateway)
  const replay = await post(`${url}/v1/market/replay`, { toMs: LOW_MS, durationMs: 2_500 })
  expect(replay).toMatchObject({ phase: 'replaying', interpolated: true })
  const before = gateway.accepted.length
  await until(() => spotOf(gateway) < 0.85 * highest)
  // Moves of spot are published as they come, not once a second.
  expect(gateway.accepted.length - before).toBeGreaterThan(8)

  await end(first, 'SIGKILL')
  const count = gateway.accepted.length
  publish(networkFile)
  await until(() => gateway.accepted.length > count + 2)
  const later = gateway.accepted.at(-1)
  expect(later?.update.expiries.map(({ expiryS }) => expiryS)).toEqual(expiriesS)
  expect(spotOf(gateway)).toBeLessThan(0.88 * highest)
  const sequences = gateway.accepted.map(({ update }) => update.sequence)
  expect(sequences.every((sequence, i) => i === 0 || sequence > (sequences[i - 1] ?? 0n))).toBe(
    true,
  )
  expect(await get(`${url}/v1/market`)).toMatchObject({ phase: 'playing' })
})

test('the publisher goes on above a sequence that was seen, and reports when nobody takes its marks', async () => {
  const { gateway, networkFile, url } = await prepare()
  gateway.seen = 5_000_000n
  const child = publish(networkFile)
  await until(() => symbolsOf(gateway).size === 2)
  expect(gateway.accepted.every(({ update }) => update.sequence > 5_000_000n)).toBe(true)
  expect(await get(`${url}/readyz`)).toMatchObject({ ready: true })

  await gateway.close()
  await until(async () => {
    const { underlyings } = (await get(`${url}/v1/market`)) as {
      underlyings: { fault: string | null }[]
    }
    return underlyings.every(({ fault }) => fault?.includes('unreachable') === true)
  })
  expect(await end(child, 'SIGTERM')).toBe(0)
})

test('what is not a moment of the recording is refused with code and rule', async () => {
  const { networkFile, gateway, url } = await prepare()
  publish(networkFile)
  await until(() => gateway.accepted.length > 0)
  const { playback } = (await get(`${url}/v1/market`)) as { playback: unknown }
  const bad: [string, unknown][] = [
    ['seek', { toMs: 5 }],
    ['seek', { toMs: 'now' }],
    ['seek', {}],
    ['replay', { toMs: LOW_MS }],
    ['replay', { toMs: LOW_MS, durationMs: 0 }],
    ['replay', { toMs: LOW_MS, durationMs: 1_000, extra: 1 }],
    ['seek', []],
  ]
  for (const [route, body] of bad) {
    const answer = await post(`${url}/v1/market/${route}`, body)
    expect({ body, answer }).toMatchObject({ body, answer: { error: { name: 'INVALID_REQUEST' } } })
  }
  const large = await post(`${url}/v1/market/seek`, { toMs: 'x'.repeat(5_000) })
  expect(large).toMatchObject({ error: { name: 'TOO_LARGE' } })
  const text = await fetch(`${url}/v1/market/seek`, { method: 'POST', body: `{"toMs":${LOW_MS}}` })
  expect(text.status).toBe(400)
  expect(await get(`${url}/v1/market`)).toMatchObject({ playback: playback as object })
})

async function prepare(): Promise<{ gateway: MarksGateway; networkFile: string; url: string }> {
  const gateway = await startMarksGateway()
  gateways.push(gateway)
  const url = `http://127.0.0.1:${await freePort()}`
  const { sequencer } = networkFixture()
  const network = networkFixture({
    sequencer: { ...sequencer, rpcUrl: gateway.url },
    publisher: { url, feeds: FEEDS, threshold: 2 },
    underlyings: [
      { id: 1, symbol: 'BTC' },
      { id: 2, symbol: 'ETH' },
    ],
  })
  const networkFile = join(mkdtempSync(join(tmpdir(), 'tandem-publisher-')), 'network.json')
  writeFileSync(networkFile, JSON.stringify(network))
  return { gateway, networkFile, url }
}

function publish(networkFile: string): ChildProcess {
  const child = spawn(process.execPath, [MAIN, '--network', networkFile], { stdio: 'ignore' })
  children.push(child)
  return child
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code))
  })
  child.kill(signal)
  return await exited
}

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  while (!(await done())) {
    if (Date.now() > deadlineMs) throw new Error('it did not happen in time')
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
}

function symbolsOf({ accepted }: MarksGateway): Set<number> {
  return new Set(accepted.map(({ update }) => update.underlying))
}

/** The last accepted price of BTC. */
function spotOf({ accepted }: MarksGateway): number {
  return Number(accepted.findLast(({ update }) => update.underlying === 1)?.update.spot8 ?? 0n)
}

/** How many different feeds signed an update. */
async function signersOf({
  update,
  signatures,
}: MarksGateway['accepted'][number]): Promise<number> {
  const { logId } = networkFixture()
  const message = {
    ...update,
    timestampMs: BigInt(update.timestampMs),
    expiries: [...update.expiries],
  }
  const signers = await Promise.all(
    signatures.map((signature) =>
      recoverTypedDataAddress({
        domain: tandemDomain(logId),
        types: feedUpdateTypes,
        primaryType: 'FeedUpdate',
        message,
        signature,
      }),
    ),
  )
  return new Set(signers.filter((signer) => FEEDS.includes(signer))).size
}

async function get(url: string): Promise<unknown> {
  return await (await fetch(url)).json()
}

async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return await response.json()
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  return port
}
