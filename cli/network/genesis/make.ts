import { withScratchAnvil } from '../anvil/node.ts'
import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { allocHash, dumpAlloc, type Alloc } from './alloc.ts'
import { loadHyperlaneArtifacts, type HyperlaneArtifacts } from './artifacts.ts'
import { GENESIS_CHAINS } from './chains.ts'
import { createDeployer } from './deployer.ts'
import { fundRoles } from './funding.ts'
import { deployHyperlane, finishHyperlane } from './hyperlane.ts'
import { deployCreditValuer, deployDeliveryBatch, deployNetworkId, deployTokens } from './tandem.ts'
import { deployPool, poolAddress } from './pool.ts'
import { deployDefaultIsm } from './routes.ts'
import { emptyBlockStateRoot } from './state-root.ts'

/** The beginning of one chain. */
export type ChainGenesis = {
  chain: LocalChain
  alloc: Alloc
  /** keccak256 of the alloc's text. */
  hash: Hash
  /** State root of the empty block 1 of a node that starts from it. */
  stateRoot: Hash
  /** Contract name, as the network file gives it, to address. */
  contracts: Record<string, Address>
}

/** Seconds since 1970 at which the scratch nodes' chains begin; no contract keeps it. */
const SCRATCH_TIMESTAMP_S = 1_700_000_000

/** Makes the beginning of every chain on scratch nodes, one after the other; the same each time. */
export async function makeGenesis(
  progress: (line: string) => void = () => undefined,
): Promise<ChainGenesis[]> {
  const artifacts = await loadHyperlaneArtifacts()
  const made: ChainGenesis[] = []
  for (const chain of GENESIS_CHAINS) {
    made.push(await makeChainGenesis(chain, artifacts))
    progress(`${chain.name} ${chain.chainId}`)
  }
  return made
}

/** Makes the beginning of one chain on a scratch node. */
export async function makeChainGenesis(
  chain: LocalChain,
  artifacts: HyperlaneArtifacts,
): Promise<ChainGenesis> {
  const { alloc, contracts } = await deployAll(chain, artifacts)
  const stateRoot = await emptyBlockStateRoot(chain, alloc)
  return { chain, alloc, hash: allocHash(alloc), stateRoot, contracts }
}

async function deployAll(chain: LocalChain, artifacts: HyperlaneArtifacts) {
  const timestamp = ['--timestamp', `${SCRATCH_TIMESTAMP_S}`]
  return await withScratchAnvil(chain.chainId, timestamp, async (rpc) => {
    await rpc('anvil_setBlockTimestampInterval', [1])
    const deployer = await createDeployer(rpc)
    const core = await deployHyperlane({ chain, rpc, deployer, artifacts })
    const networkId = await deployNetworkId(deployer)
    const deliveryBatch = await deployDeliveryBatch(deployer)
    const creditValuer = await deployCreditValuer(deployer, chain, poolAddress('markFeeds'))
    const tokens = await deployTokens(deployer, chain)
    const slotContext = poolAddress('slotContext')
    const early = poolAddress('earlyMessages')
    const ways = { chain, deployer, artifacts, core, slotContext, early }
    const defaultIsm = await deployDefaultIsm(ways)
    const pool = await deployPool({ chain, deployer, core, networkId, tokens, creditValuer })
    await finishHyperlane(deployer, core.mailbox, {
      defaultIsm,
      defaultHook: pool['sequencedHook'],
    })
    await fundRoles(rpc, chain)
    const contracts = {
      ...core.addresses,
      defaultIsm,
      networkId,
      ...tokens,
      ...pool,
      deliveryBatch,
      ...(creditValuer === undefined ? {} : { creditValuer }),
    }
    return { alloc: await dumpAlloc(rpc), contracts }
  })
}
