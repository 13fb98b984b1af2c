import { decodeFunctionResult, encodeFunctionData, getContractAddress } from 'viem'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'
import type { Rpc } from '../anvil/rpc.ts'
import { DEPLOYER, nonceOf } from './addresses.ts'
import type { HyperlaneArtifacts } from './artifacts.ts'
import { GENESIS_CHAINS } from './chains.ts'
import type { Deployed, Deployer } from './deployer.ts'

/** Hyperlane's core on one chain. */
export type HyperlaneCore = {
  mailbox: Deployed
  routingFactory: Deployed
  /** Routes every origin to the multisig of its validators. */
  strictIsm: Deployed
  /** Origin's chain id to the multisig of its validators. */
  multisigs: ReadonlyMap<number, Address>
  /** Contract name, as the network file gives it, to address. */
  addresses: Record<string, Address>
}

/** Protocol fee that no owner can go beyond, in wei of the native coin. */
export const PROTOCOL_FEE_WEI_MAX = 100_000_000_000_000_000n

/** Owner of everything that can be changed or upgraded on a local network. */
export const OWNER: Address = developmentKey('upgrader').address

const FACTORIES = {
  staticMerkleRootMultisigIsmFactory: 'StaticMerkleRootMultisigIsmFactory',
  staticMessageIdMultisigIsmFactory: 'StaticMessageIdMultisigIsmFactory',
  staticAggregationIsmFactory: 'StaticAggregationIsmFactory',
  staticAggregationHookFactory: 'StaticAggregationHookFactory',
  domainRoutingIsmFactory: 'DomainRoutingIsmFactory',
} as const

/**
 * Deploys Hyperlane's core with the contracts and settings that its own SDK would choose.
 *
 * Everything is created in block 1, because a Mailbox tells Hyperlane's agents the block since when
 * it is there. The Mailbox stays the deployer's until {@link finishHyperlane}.
 */
export async function deployHyperlane(options: {
  chain: LocalChain
  rpc: Rpc
  deployer: Deployer
  artifacts: HyperlaneArtifacts
}): Promise<HyperlaneCore> {
  const { chain, rpc, deployer, artifacts } = options
  await deployer.moveTo(nonceOf('hyperlane', 0))
  const proxyAdmin = await deployer.create(artifacts('ProxyAdmin'))
  const implementation = await deployer.create(artifacts('Mailbox'), [chain.chainId])
  const proxy = await deployer.create(artifacts('TransparentUpgradeableProxy'), [
    implementation.address,
    proxyAdmin.address,
    '0x',
  ])
  const mailbox = { address: proxy.address, abi: implementation.abi }
  const merkleTreeHook = await deployer.create(artifacts('MerkleTreeHook'), [mailbox.address])
  const protocolFee = await deployer.create(artifacts('ProtocolFee'), [
    PROTOCOL_FEE_WEI_MAX,
    0n,
    OWNER,
    OWNER,
  ])
  const validatorAnnounce = await deployer.create(artifacts('ValidatorAnnounce'), [mailbox.address])
  const testRecipient = await deployer.create(artifacts('TestRecipient'))
  const factories = new Map<string, Deployed>()
  for (const [name, contract] of Object.entries(FACTORIES)) {
    factories.set(name, await deployer.create(artifacts(contract)))
  }
  await deployer.call(proxyAdmin, 'transferOwnership', [OWNER])
  await deployer.mine()

  const multisigs = await deployMultisigs(rpc, deployer, of('staticMessageIdMultisigIsmFactory'))
  const routingFactory = of('domainRoutingIsmFactory')
  const strictIsm = await deployRouting({
    deployer,
    artifacts,
    routingFactory,
    place: 0,
    routes: multisigs,
  })
  await deployer.call(mailbox, 'initialize', [
    DEPLOYER,
    strictIsm.address,
    protocolFee.address,
    merkleTreeHook.address,
  ])
  await deployer.mine()
  return {
    mailbox,
    routingFactory,
    strictIsm,
    multisigs,
    addresses: {
      mailbox: mailbox.address,
      proxyAdmin: proxyAdmin.address,
      merkleTreeHook: merkleTreeHook.address,
      protocolFee: protocolFee.address,
      validatorAnnounce: validatorAnnounce.address,
      testRecipient: testRecipient.address,
      ...Object.fromEntries([...factories].map(([name, { address }]) => [name, address])),
      strictIsm: strictIsm.address,
    },
  }

  function of(name: keyof typeof FACTORIES): Deployed {
    const factory = factories.get(name)
    assert(factory !== undefined, `${name} is deployed`)
    return factory
  }
}

/**
 * Deploys a routing module of the factory: origin's chain id to module.
 *
 * @param place - How many the factory has made on this chain before.
 */
export async function deployRouting(options: {
  deployer: Deployer
  artifacts: HyperlaneArtifacts
  routingFactory: Deployed
  place: number
  routes: ReadonlyMap<number, Address>
}): Promise<Deployed> {
  const { deployer, artifacts, routingFactory, place, routes } = options
  await deployer.call(routingFactory, 'deploy', [OWNER, [...routes.keys()], [...routes.values()]])
  // The factory's own first creation, at nonce 1, is the implementation.
  const nonce = BigInt(2 + place)
  const address = getContractAddress({ from: routingFactory.address, nonce })
  return { address, abi: artifacts('DomainRoutingIsm').abi }
}

/** Sets the module that messages meet by default and hands the Mailbox to its owner. */
export async function finishHyperlane(
  deployer: Deployer,
  mailbox: Deployed,
  defaultIsm: Address,
): Promise<void> {
  await deployer.call(mailbox, 'setDefaultIsm', [defaultIsm])
  await deployer.call(mailbox, 'transferOwnership', [OWNER])
  await deployer.mine()
}

/** One multisig per origin: its validator, threshold 1. */
async function deployMultisigs(
  rpc: Rpc,
  deployer: Deployer,
  factory: Deployed,
): Promise<Map<number, Address>> {
  const multisigs = new Map<number, Address>()
  for (const { chainId } of GENESIS_CHAINS) {
    const { address: validator } = developmentKey(`validator-${chainId}`)
    await deployer.call(factory, 'deploy', [[validator], 1])
    const data = encodeFunctionData({
      abi: factory.abi,
      functionName: 'getAddress',
      args: [[validator], 1],
    })
    const result = await rpc<Hex>('eth_call', [{ to: factory.address, data }, 'latest'])
    multisigs.set(
      chainId,
      decodeFunctionResult({
        abi: factory.abi,
        functionName: 'getAddress',
        args: [[validator], 1],
        data: result,
      }) as Address,
    )
  }
  await deployer.mine()
  return multisigs
}
