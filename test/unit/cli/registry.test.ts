import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeRegistry } from '../../../cli/network/registry.ts'
import { readAgentChains } from '../../../relayer/shell/agent-config.ts'
import { networkFixture } from '../../fixtures/network.ts'

test('the registry of a network, read as a Hyperlane registry, gives the network’s chains', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-registry-'))
  const addresses = {
    mailbox: `0x${'1'.repeat(40)}`,
    merkleTreeHook: `0x${'2'.repeat(40)}`,
    validatorAnnounce: `0x${'3'.repeat(40)}`,
  } as const
  const given = networkFixture()
  const network = {
    ...given,
    chains: given.chains.map((chain) => ({ ...chain, contracts: addresses, reorgPeriod: 3 })),
  }
  try {
    expect(writeRegistry(network, folder)).toEqual(['l1', 'hub', 'alpha'])
    const read = readAgentChains({ agentConfig: undefined, registry: folder })
    const part = ({ name, chainId, rpcUrl, reorgPeriod, contracts }: (typeof read)[number]) => {
      return { name, chainId, rpcUrl, reorgPeriod, contracts }
    }
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)
    expect(read.map(part).toSorted(byName)).toEqual(network.chains.map(part).toSorted(byName))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
