import { mkdtempSync, readFileSync, rmSync, writeFileSync, cpSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { withScratchAnvil } from '../../cli/network/anvil/node.ts'
import { GENESIS_CHAINS } from '../../cli/network/genesis/chains.ts'
import { genesisFileText } from '../../cli/network/genesis/file.ts'
import { OWNER, PROTOCOL_FEE_WEI_MAX } from '../../cli/network/genesis/hyperlane.ts'
import { makeGenesis } from '../../cli/network/genesis/make.ts'
import {
  KEPT_DIRECTORY,
  manifestOf,
  readAllocs,
  readManifest,
} from '../../cli/network/genesis/store.ts'
import { developmentKey } from '../../sdk/process/keys.ts'

const manifest = readManifest()
const chainIds = manifest.chains.map(({ chainId }) => chainId)

describe('the kept genesis', () => {
  test('is what the contracts give when it is made again, byte for byte', async () => {
    const made = await makeGenesis()
    expect(manifestOf(made)).toEqual(manifest)
    const kept = readAllocs(manifest, chainIds)
    for (const { chain, alloc } of made) {
      expect(JSON.stringify(kept.get(chain.chainId))).toBe(JSON.stringify(alloc))
    }
  })

  test('is refused when one byte of it is not what the manifest says', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tandem-kept-'))
    try {
      cpSync(KEPT_DIRECTORY, directory, { recursive: true })
      const path = join(directory, 'manifest.json')
      const hash = manifest.chains[1]!.hash
      const wrong = `${hash.slice(0, -1)}${hash.endsWith('0') ? '1' : '0'}`
      writeFileSync(path, readFileSync(path, 'utf8').replace(hash, wrong))
      expect(() => readAllocs(readManifest(directory), [901], directory)).toThrow(/expected/)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  test('stays small enough for a repository', () => {
    expect(readFileSync(join(KEPT_DIRECTORY, 'genesis.json.br')).length).toBeLessThan(256 * 1024)
  })
})

type CoreReader = {
  deriveCoreConfig: (addresses: { mailbox: string }) => Promise<Record<string, unknown>>
}
type Sdk = {
  MultiProvider: new (metadata: Record<string, unknown>) => unknown
  EvmCoreReader: new (provider: unknown, chain: string) => CoreReader
  normalizeConfig: (config: unknown) => Record<string, unknown>
}
// Goal: Hyperlane's own SDK finds in our genesis exactly the core that its tools would have deployed.
test(
  'Hyperlane’s SDK reads the core of every kind of chain and finds no violation',
  { timeout: 240_000 },
  async () => {
    // Read when the package loads: every probe that finds no function would be a warning.
    vi.stubEnv('LOG_LEVEL', 'silent')
    // Their types describe six virtual machines; three names are used here.
    const sdk = (await import('@hyperlane-xyz/sdk')) as unknown as Sdk
    for (const name of ['l1', 'hub', 'alpha', 'outland']) {
      const { chainId, contracts } = manifest.chains.find((chain) => chain.name === name)!
      const alloc = readAllocs(manifest, [chainId]).get(chainId)!
      const actual = await onNode(chainId, genesisFileText(chainId, alloc), async (url) => {
        const provider = new sdk.MultiProvider(metadataOf(url))
        const reader = new sdk.EvmCoreReader(provider, name)
        return await reader.deriveCoreConfig({ mailbox: contracts['mailbox']! })
      })
      expect(sdk.normalizeConfig(actual)).toEqual(
        sdk.normalizeConfig(expectedCore(contracts['proxyAdmin']!)),
      )
    }
  },
)

/** What `hyperlane core deploy` would have been given. */
function expectedCore(proxyAdmin: string) {
  const multisig = (chainId: number) => ({
    type: 'messageIdMultisigIsm',
    validators: [developmentKey(`validator-${chainId}`).address],
    threshold: 1,
  })
  return {
    owner: OWNER,
    defaultIsm: {
      type: 'domainRoutingIsm',
      owner: OWNER,
      domains: Object.fromEntries(
        GENESIS_CHAINS.map(({ name, chainId }) => [name, multisig(chainId)]),
      ),
    },
    defaultHook: {
      type: 'protocolFee',
      owner: OWNER,
      beneficiary: OWNER,
      maxProtocolFee: `${PROTOCOL_FEE_WEI_MAX}`,
      protocolFee: '0',
    },
    requiredHook: { type: 'merkleTreeHook' },
    proxyAdmin: { owner: OWNER, address: proxyAdmin },
  }
}

function metadataOf(url: string) {
  return Object.fromEntries(
    GENESIS_CHAINS.map(({ name, chainId }) => [
      name,
      {
        name,
        chainId,
        domainId: chainId,
        protocol: 'ethereum',
        nativeToken: { name: 'Ether', symbol: 'ETH', decimals: 18 },
        rpcUrls: [{ http: url }],
      },
    ]),
  )
}

async function onNode<T>(
  chainId: number,
  genesis: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-node-'))
  try {
    const file = join(directory, 'genesis.json')
    writeFileSync(file, genesis)
    return await withScratchAnvil(chainId, ['--init', file], async (rpc, url) => {
      await rpc('evm_mine')
      return await work(url)
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
