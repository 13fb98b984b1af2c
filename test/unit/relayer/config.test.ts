import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTokens } from '../../../relayer/shell/operating/api/tokens.ts'
import { loadConfig } from '../../../relayer/shell/config.ts'
import { openKey, readKeystore, storeKey } from '../../../relayer/shell/submitting/keystore.ts'

const address = (digit: string) => `0x${digit.repeat(40)}`
const chain = (chainId: number, digit: string) => ({
  ...{ chainId, domainId: chainId, protocol: 'ethereum', displayName: 'more than is read' },
  rpcUrls: [{ http: `http://127.0.0.1:${chainId}` }],
  blocks: { confirmations: 1, estimateBlockTime: 2, reorgPeriod: 5 },
  ...{ mailbox: address(digit), merkleTreeHook: address('a'), validatorAnnounce: address('b') },
  interchainGasPaymaster: address('0'),
})

let folder: string
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-config-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('Hyperlane’s agent configuration is taken as it is', () => {
  const chains = { east: chain(1_001, '1'), west: chain(1_002, '2') }
  write('agent.json', JSON.stringify({ chains, defaultRpcConsensusType: 'fallback' }))
  const file = write(
    'by-agent.yaml',
    'version: 1\nagentConfig: agent.json\nredis: { url: redis://127.0.0.1:1 }\n',
  )
  const config = loadConfig(file, {})
  expect(
    config.chains.map(({ name, chainId, reorgPeriod }) => [name, chainId, reorgPeriod]),
  ).toEqual([
    ['east', 1_001, 5],
    ['west', 1_002, 5],
  ])
  // A paymaster at zero is none, and who has no network file has no open reading.
  expect(config.chains[0]?.contracts).not.toHaveProperty('interchainGasPaymaster')
  expect(config.openRead).toBe(false)
})

test('a Hyperlane registry is taken as it is, and single fields may be said otherwise', () => {
  for (const [name, id, digit] of [
    ['north', 2_001, '3'],
    ['south', 2_002, '4'],
  ] as const) {
    const place = join(folder, 'registry', 'chains', name)
    mkdirSync(place, { recursive: true })
    const { mailbox, merkleTreeHook, validatorAnnounce, ...metadata } = chain(id, digit)
    writeFileSync(join(place, 'metadata.yaml'), JSON.stringify(metadata))
    const addresses = { mailbox, merkleTreeHook, validatorAnnounce }
    writeFileSync(join(place, 'addresses.yaml'), JSON.stringify(addresses))
  }
  const file = write(
    'by-registry.yaml',
    [
      ...['version: 1', 'registry: registry', 'redis:', '  sentinels: [{ host: a, port: 1 }]'],
      ...['  name: main', 'chains:', '  south: { reorgPeriod: 9 }'],
      ...['lanes:', '  critical: { maxFeeGwei: 2 }'],
    ].join('\n'),
  )
  const { chains, redis, fees } = loadConfig(file, {})
  expect(chains.map(({ name, reorgPeriod }) => [name, reorgPeriod])).toEqual([
    ['north', 5],
    ['south', 9],
  ])
  expect(redis).toMatchObject({ name: 'main', db: 0 })
  expect(fees.critical.maxFeePerGas).toBe(2_000_000_000n)
})

test.each([
  ['retrys: 1', 'retrys'],
  ['port: 70000', 'port'],
  ['policy: { errors: [{ name: a, pattern: "(" }] }', 'policy.errors'],
  ['relayChains: [north, sout]', 'relayChains.sout'],
])('the line "%s" is refused with its place', (line, place) => {
  const file = write(
    'wrong.yaml',
    `version: 1\nregistry: registry\nredis: { url: redis://127.0.0.1:1 }\n${line}\n`,
  )
  expect(() => loadConfig(file, {})).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(place) }),
  )
})

test('a key that was sealed opens with its password alone, for its own role alone', () => {
  const path = join(folder, 'keys.json')
  const privateKey = `0x${'42'.repeat(32)}` as const
  const owner = storeKey(path, { role: 'relayer-transfer', privateKey, password: 'correct horse' })
  expect(readKeystore(path).keys).toMatchObject([{ role: 'relayer-transfer', address: owner }])
  expect(JSON.stringify(readKeystore(path))).not.toContain('4242')
  const open = (role: string, password: string) => openKey(path, { role, password })
  expect(open('relayer-transfer', 'correct horse')).toBe(privateKey)
  expect(() => open('relayer-transfer', 'wrong horse')).toThrow('does not open')
  expect(open('relayer-critical', 'correct horse')).toBeUndefined()
})

test('a token’s scope holds those before it; without a token one may read where that is open', () => {
  const token = { name: 'ops', scope: 'operate' as const, secret: 's'.repeat(20) }
  const judge = createTokens({ tokens: [token], openRead: false })
  const ops = judge.actorOf(`Bearer ${token.secret}`)
  expect(judge.allows(ops, 'read').ok && judge.allows(ops, 'operate').ok).toBe(true)
  expect(judge.allows(ops, 'admin')).toMatchObject({ ok: false, status: 403 })
  expect(judge.allows(judge.actorOf(undefined), 'read')).toMatchObject({ ok: false, status: 401 })
  const open = createTokens({ tokens: [], openRead: true })
  expect(open.allows(open.actorOf(undefined), 'read').ok).toBe(true)
  expect(open.allows(open.actorOf('Bearer wrong'), 'read').ok).toBe(false)
})
