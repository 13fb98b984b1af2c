import { assert } from '../../../sdk/protocol/assert.ts'
import { isSequenced, type LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { addressAt } from './addresses.ts'
import type { HyperlaneArtifacts } from './artifacts.ts'
import { GENESIS_CHAINS } from './chains.ts'
import type { Deployer } from './deployer.ts'
import { deployRouting, type HyperlaneCore } from './hyperlane.ts'
import { deployProxied } from './proxied.ts'

const ORIGINS = GENESIS_CHAINS.filter(({ kind }) => isSequenced(kind))

/** Gives the module that messages of a sequenced origin meet on every other sequenced chain. */
export function routeModule(origin: number): Address {
  const index = ORIGINS.findIndex(({ chainId }) => chainId === origin)
  assert(index >= 0, 'only sequenced chains have a fast route')
  return addressAt('routes', 2 * index + 1)
}

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
  early: Address
}): Promise<Address> {
  const { chain, deployer, artifacts, core, slotContext, early } = options
  if (!isSequenced(chain.kind)) return core.strictIsm.address
  const routes = new Map(core.multisigs)
  for (const [index, { chainId: origin }] of ORIGINS.entries()) {
    const place = 2 * index
    const wrapped = core.multisigs.get(origin)
    await deployProxied(deployer, {
      section: 'routes',
      place,
      source: 'messaging/SequencedIsm',
      args: [{ slotContext, early, wrapped, origin }],
    })
    routes.set(origin, routeModule(origin))
  }
  const { address } = await deployRouting({
    ...{ deployer, artifacts, routes },
    routingFactory: core.routingFactory,
    place: 1,
  })
  await deployer.mine()
  return address
}
