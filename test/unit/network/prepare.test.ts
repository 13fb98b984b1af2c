import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256, stringToBytes } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { layoutOf, type Layout } from '../../../cli/network/layout.ts'
import { prepareNetwork, type PrepareOptions } from '../../../cli/network/prepare.ts'
import { loadNetwork } from '../../../sdk/process/network.ts'

let layout: Layout
beforeEach(() => {
  layout = layoutOf(mkdtempSync(join(tmpdir(), 'tandem-prepare-')))
})
afterEach(() => rmSync(layout.root, { recursive: true, force: true }))

const prepare = (change: Partial<Omit<PrepareOptions, 'layout'>> = {}) =>
  prepareNetwork({ layout, fresh: false, ...change })

type GenesisFile = { alloc: Record<string, { storage?: Record<string, string> }> }

function genesisFile(chainId: number): { text: string; alloc: GenesisFile['alloc'] } {
  const text = readFileSync(join(layout.genesis, `${chainId}.json`), 'utf8')
  return { text, alloc: (JSON.parse(text) as GenesisFile).alloc }
}

describe('preparing a network', () => {
  test('writes a description that every program can read, and private directories', () => {
    const { first } = prepare()
    const network = loadNetwork(layout.networkFile)
    expect(first).toBe(true)
    expect(network.chains.map(({ name }) => name)).toEqual([
      'l1',
      'hub',
      'alpha',
      'beta',
      'outland',
    ])
    expect(network.chains[2]!.rpcUrl).toBe('http://127.0.0.1:9500/chain/902')
    expect(network.chains[4]!.rpcUrl).toBe('http://127.0.0.1:9590')
    expect(statSync(layout.private).mode & 0o777).toBe(0o700)
  })

  test('puts the identity of the network into every chain and hashes the files as written', () => {
    const { network } = prepare()
    for (const { chainId, genesisHash, contracts } of network.chains) {
      const { text, alloc } = genesisFile(chainId)
      expect(keccak256(stringToBytes(text))).toBe(genesisHash)
      const identity = alloc[contracts['networkId']!.toLowerCase()]!.storage
      expect(identity).toEqual({ [`0x${'0'.repeat(64)}`]: network.logId })
    }
  })

  test('takes up the network that is there, and moves it to other ports when asked', () => {
    const { network } = prepare()
    expect(prepare()).toMatchObject({ network, first: false })
    const moved = prepare({ portBase: 20_000 })
    expect(moved.network.logId).toBe(network.logId)
    expect(moved.network.sequencer.rpcUrl).toBe('http://127.0.0.1:20000/')
    expect(prepare().ports.base).toBe(20_000)
  })

  test('says when the network began with other contracts than are kept now', () => {
    expect(prepare().outdated).toBe(false)
    const text = readFileSync(layout.networkFile, 'utf8')
    const { genesisHash } = prepare().network.chains.find(({ kind }) => kind === 'hub')!
    writeFileSync(layout.networkFile, text.replace(genesisHash, `0x${'0'.repeat(64)}`))
    expect(prepare()).toMatchObject({ first: false, outdated: true })
  })

  test('gives a fresh network another identity and wipes what the old one left, only that', () => {
    const { network } = prepare()
    writeFileSync(join(layout.sequencer, 'log'), 'old')
    mkdirSync(join(layout.root, 'mine'))
    const again = prepare({ fresh: true })
    expect(again.network.logId).not.toBe(network.logId)
    expect(existsSync(join(layout.sequencer, 'log'))).toBe(false)
    expect(existsSync(join(layout.root, 'mine'))).toBe(true)
  })

  test('begins again when a first start was cut short before the description was written', () => {
    prepare()
    rmSync(layout.networkFile)
    writeFileSync(join(layout.redis, 'leftover'), '')
    expect(prepare().first).toBe(true)
    expect(existsSync(join(layout.redis, 'leftover'))).toBe(false)
  })

  test('keeps the chain ids and base fees that it began with, and refuses others', () => {
    const changes = [{ name: 'beta', chainId: 1, baseFeePerGasWei: 5 }]
    const { network } = prepare({ changes })
    expect(network.chains[3]).toMatchObject({ name: 'beta', chainId: 1, baseFeePerGasWei: 5 })
    expect(genesisFile(1).text).toContain('"chainId":1,')
    expect(prepare().network).toEqual(network)
    expect(prepare({ changes }).network).toEqual(network)
    expect(() => prepare({ changes: [{ name: 'beta', chainId: 903 }] })).toThrow(
      /id 1, 5 wei; asked for: id 903, no base fee/,
    )
  })

  test('refuses another number of rollups than the network has, and names both', () => {
    prepare({ rollups: 3 })
    expect(prepare().network.chains).toHaveLength(6)
    expect(() => prepare({ rollups: 2 })).toThrow(/rollups: 3; asked for: 2/)
    expect(() => prepare({ fresh: true, rollups: 9 })).toThrow(/allowed: 1 to 8/)
    expect(() => prepare({ fresh: true, rollups: 0 })).toThrow(/allowed: 1 to 8/)
  })
})
