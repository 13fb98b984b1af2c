import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  chainById,
  chainByName,
  contractAddress,
  loadNetwork,
} from '../../../sdk/process/network.ts'
import { networkFixture } from '../../fixtures/network.ts'

const folder = mkdtempSync(join(tmpdir(), 'network-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(content: unknown): string {
  const path = join(folder, 'network.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('loadNetwork', () => {
  test('gives what the file says, and nobody can change it', () => {
    const network = loadNetwork(file(networkFixture()))
    expect(network).toEqual(networkFixture())
    expect(() => Object.assign(network.chains[0]!, { name: 'other' })).toThrow(TypeError)
  })

  test('names the file and the way to get one when it is absent', () => {
    const path = join(folder, 'none.json')
    expect(() => loadNetwork(path)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(() => loadNetwork(path)).toThrow(/none\.json.*ENOENT[^]*npm start/)
  })

  test('refuses another version with both numbers named', () => {
    expect(() => loadNetwork(file({ ...networkFixture(), version: 2 }))).toThrow(
      /version: 2; this program reads version 1/,
    )
  })

  test('names every fault at once', () => {
    const broken = { ...networkFixture(), logId: '0x12', relayer: { url: 'nowhere' }, extra: 1 }
    expect(() => loadNetwork(file(broken))).toThrow(/logId[^]*relayer\.url[^]*extra/)
  })

  test('refuses what is not JSON', () => {
    expect(() => loadNetwork(file('{'))).toThrow(/not JSON/)
  })
})

test('a chain or contract that is not in the network is refused with what is', () => {
  const network = networkFixture()
  expect(chainById(network, 901).name).toBe('hub')
  expect(chainByName(network, 'alpha').chainId).toBe(902)
  expect(() => chainById(network, 7)).toThrow(/known: l1 900, hub 901, alpha 902/)
  expect(() => chainByName(network, 'gamma')).toThrow(/known: l1, hub, alpha/)
  expect(contractAddress(network.chains[0]!, 'mailbox')).toBe(`0x${'1'.repeat(40)}`)
  expect(() => contractAddress(network.chains[0]!, 'vault')).toThrow(/known: mailbox/)
})
