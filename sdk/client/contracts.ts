import type { Address } from '../protocol/hex.ts'
import { BaseError } from '../protocol/errors.ts'
import type { AssetId } from '../protocol/ids.ts'
import type { NetworkChain } from '../protocol/network.ts'
import type { TandemClient } from './create-client.ts'

/** The network has no such contract, token or protocol where it was looked for. */
export class NotDeployedError extends BaseError {
  override readonly name = 'NotDeployedError'

  constructor(what: string, chain: Pick<NetworkChain, 'name' | 'chainId'>) {
    super(`There is no ${what} on ${chain.name} (${chain.chainId}).`, {
      code: 'NOT_DEPLOYED',
      retryable: false,
    })
  }
}

/** Gives the address of a contract by the name that the network file uses. */
export function contractOf(client: TandemClient, chain: number | string, name: string): Address {
  const found = client.chain(chain)
  const address = found.contracts[name]
  if (address === undefined) throw new NotDeployedError(name, found)
  return address
}

/** Gives an asset's token on a chain. */
export function tokenOf(
  client: TandemClient,
  chain: number | string,
  asset: AssetId,
): { address: Address; decimals: number } {
  const found = client.chain(chain)
  const token = client.network.assets.find(({ id }) => id === asset)?.tokens[`${found.chainId}`]
  if (token === undefined) throw new NotDeployedError(`token of asset ${asset}`, found)
  return token
}

/** Gives the chain that holds the books. */
export function hubOf(client: TandemClient): NetworkChain {
  const hub = client.network.chains.find(({ kind }) => kind === 'hub')
  if (hub === undefined) throw new NotDeployedError('hub', { name: 'this network', chainId: 0 })
  return hub
}

/** Gives a protocol's deployment on a chain, by its name in the network file. */
export function protocolOf(
  client: TandemClient,
  chain: number | string,
  name: string,
): { id: number; chainId: number; address: Address } {
  const found = client.chain(chain)
  const protocol = client.network.protocols.find(
    (candidate) => candidate.chainId === found.chainId && candidate.name === name,
  )
  if (protocol === undefined) throw new NotDeployedError(`protocol ${name}`, found)
  return protocol
}
