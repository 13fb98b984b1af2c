import { isSequenced, type LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import { nonceOf } from './addresses.ts'
import { tandemArtifact } from './artifacts.ts'
import type { Deployer } from './deployer.ts'
import { ASSETS } from './market.ts'

/** Creates the contract that tells every other one which network it belongs to. */
export async function deployNetworkId(deployer: Deployer): Promise<Address> {
  await deployer.moveTo(nonceOf('identity', 0))
  const { address } = await deployer.create(tandemArtifact('sequencing/NetworkId'))
  await deployer.mine()
  return address
}

/** Creates the contract through which relayers deliver many messages in one transaction. */
export async function deployDeliveryBatch(deployer: Deployer): Promise<Address> {
  await deployer.moveTo(nonceOf('identity', 1))
  const { address } = await deployer.create(tandemArtifact('messaging/DeliveryBatch'))
  await deployer.mine()
  return address
}

/** Creates the contract that says what messages between credit contracts are worth, where there are any. */
export async function deployCreditValuer(
  deployer: Deployer,
  chain: LocalChain,
  marks: Address,
): Promise<Address | undefined> {
  if (!isSequenced(chain.kind)) return undefined
  await deployer.moveTo(nonceOf('identity', 2))
  const { address } = await deployer.create(tandemArtifact('messaging/CreditValuer'), [marks])
  await deployer.mine()
  return address
}

/** Creates the local network's tokens; `l1` has none. */
export async function deployTokens(
  deployer: Deployer,
  chain: LocalChain,
): Promise<Record<string, Address>> {
  if (!isSequenced(chain.kind) && chain.kind !== 'foreign') return {}
  await deployer.moveTo(nonceOf('tokens', 0))
  const { address: faucet } = developmentKey('faucet')
  const artifact = tandemArtifact('test/mocks/FaucetToken')
  const tokens: Record<string, Address> = {}
  for (const { contract, name, symbol, decimals } of ASSETS) {
    tokens[contract] = (await deployer.create(artifact, [name, symbol, decimals, faucet])).address
  }
  await deployer.mine()
  return tokens
}
