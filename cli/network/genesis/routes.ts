import { isSequenced, type LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { addressAt } from './addresses.ts'
import type { HyperlaneArtifacts } from './artifacts.ts'
import { GENESIS_CHAINS } from './chains.ts'
import type { Deployer } from './deployer.ts'
import { deployRouting, type HyperlaneCore } from './hyperlane.ts'
import { deployProxied } from './proxied.ts'

/**
 * Deploys the module that messages meet by default, and gives its address.
 *
 * Between sequenced chains a message is accepted in its slot or by the origin's validators; any
 * other by validators only, so there the strict module is the default itself.
 */
export async function deployDefaultIsm(options: {
  chain: LocalChain
  deployer: Deployer
  artifacts: HyperlaneArtifacts
  core: HyperlaneCore
  slotContext: Address
}): Promise<Address> {
  const { chain, deployer, artifacts, core, slotContext } = options
  if (!isSequenced(chain.kind)) return core.strictIsm.address
  const routes = new Map(core.multisigs)
  const origins = GENESIS_CHAINS.filter(({ kind }) => isSequenced(kind))
  for (const [index, { chainId }] of origins.entries()) {
    const place = 2 * index
    await deployProxied(deployer, {
      section: 'routes',
      place,
      source: 'messaging/SequencedIsm',
      args: [slotContext, core.multisigs.get(chainId)],
    })
    routes.set(chainId, addressAt('routes', place + 1))
  }
  const { address } = await deployRouting({
    ...{ deployer, artifacts, routes },
    routingFactory: core.routingFactory,
    place: 1,
  })
  await deployer.mine()
  return address
}
