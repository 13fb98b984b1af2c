import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { stringify } from 'yaml'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import type { Network, NetworkChain } from '../../sdk/protocol/network.ts'

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`

/** Makes `tandem network registry`: a Hyperlane registry of the running network. */
export function registryCommand(): Command {
  return new Command('registry')
    .description('Write a Hyperlane registry of the network: metadata and addresses of each chain.')
    .requiredOption('--out <directory>', 'where to write it')
    .option('--network <file>', 'network file', NETWORK_FILE_DEFAULT)
    .action(({ out, network }: { out: string; network: string }) => {
      const chains = writeRegistry(loadNetwork(network), out)
      process.stdout.write(`${chains.join(', ')} → ${join(out, 'chains')}\n`)
    })
}

/** Writes the registry; gives the names of its chains. */
export function writeRegistry({ chains }: Network, directory: string): readonly string[] {
  return chains.map((chain) => {
    const folder = join(directory, 'chains', chain.name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'metadata.yaml'), stringify(metadataOf(chain)))
    writeFileSync(join(folder, 'addresses.yaml'), stringify(addressesOf(chain)))
    return chain.name
  })
}

function metadataOf({ name, chainId, rpcUrl, reorgPeriod }: NetworkChain) {
  return {
    name,
    displayName: `Tandem ${name}`,
    chainId,
    domainId: chainId,
    protocol: 'ethereum',
    technicalStack: 'other',
    isTestnet: true,
    nativeToken: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: [{ http: rpcUrl }],
    blocks: { confirmations: 1, estimateBlockTime: 1, reorgPeriod },
  }
}

/** Everything of Hyperlane's that the network file names; without a gas paymaster, that there is none. */
function addressesOf({ contracts }: NetworkChain): Record<string, string> {
  return { interchainGasPaymaster: ZERO_ADDRESS, ...contracts }
}
