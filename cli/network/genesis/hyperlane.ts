import { decodeFunctionResult, encodeFunctionData, getContractAddress } from 'viem'
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
  const { rpc, deployer, artifacts } = options
  const created = await createCore(options)
  const { mailbox, domainRoutingIsmFactory: routingFactory } = created
  const multisigs = await deployMultisigs(rpc, deployer, created.staticMessageIdMultisigIsmFactory)
  const strictIsm = await deployRouting({
    ...{ deployer, artifacts, routingFactory },
    ...{ place: 0, routes: multisigs },
  })
  await deployer.call(mailbox, 'initialize', [
    DEPLOYER,
    strictIsm.address,
    created.protocolFee.address,
    created.merkleTreeHook.address,
  ])
  await deployer.mine()
  const named = Object.entries({ ...created, strictIsm })
  const addresses = Object.fromEntries(named.map(([name, { address }]) => [name, address]))
  return { mailbox, routingFactory, strictIsm, multisigs, addresses }
}

/** Creates every contract of the core, all in one block. */
async function createCore(options: {
  chain: LocalChain
  deployer: Deployer
  artifacts: HyperlaneArtifacts
}) {
  const { chain, deployer, artifacts } = options
  const create = (name: string, args: readonly unknown[] = []) =>
    deployer.create(artifacts(name), args)
  await deployer.moveTo(nonceOf('hyperlane', 0))
  const proxyAdmin = await create('ProxyAdmin')
  const implementation = await create('Mailbox', [chain.chainId])
  const proxied = [implementation.address, proxyAdmin.address, '0x']
  const { address } = await create('TransparentUpgradeableProxy', proxied)
  const core = {
    mailbox: { address, abi: implementation.abi },
    proxyAdmin,
    merkleTreeHook: await create('MerkleTreeHook', [address]),
    protocolFee: await create('ProtocolFee', [PROTOCOL_FEE_WEI_MAX, 0n, OWNER, OWNER]),
    validatorAnnounce: await create('ValidatorAnnounce', [address]),
    testRecipient: await create('TestRecipient'),
    staticMerkleRootMultisigIsmFactory: await create('StaticMerkleRootMultisigIsmFactory'),
    staticMessageIdMultisigIsmFactory: await create('StaticMessageIdMultisigIsmFactory'),
    staticAggregationIsmFactory: await create('StaticAggregationIsmFactory'),
    staticAggregationHookFactory: await create('StaticAggregationHookFactory'),
    domainRoutingIsmFactory: await create('DomainRoutingIsmFactory'),
  }
  await deployer.call(proxyAdmin, 'transferOwnership', [OWNER])
  await deployer.mine()
  return core
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

/** Sets the module and the hook that messages meet by default and hands the Mailbox to its owner. */
export async function finishHyperlane(
  deployer: Deployer,
  mailbox: Deployed,
  { defaultIsm, defaultHook }: { defaultIsm: Address; defaultHook: Address | undefined },
): Promise<void> {
  await deployer.call(mailbox, 'setDefaultIsm', [defaultIsm])
  if (defaultHook !== undefined) await deployer.call(mailbox, 'setDefaultHook', [defaultHook])
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
