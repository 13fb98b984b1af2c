import { encodeFunctionData } from 'viem'
import { nonceOf, type Section } from './addresses.ts'
import { openZeppelinArtifact, tandemArtifact } from './artifacts.ts'
import type { Deployer } from './deployer.ts'
import { OWNER } from './hyperlane.ts'

/** Deploys a contract and its proxy, initialised at once, at two places of a section. */
export async function deployProxied(
  deployer: Deployer,
  options: { section: Section; place: number; source: string; args: readonly unknown[] },
): Promise<void> {
  const { section, place, source, args } = options
  const artifact = tandemArtifact(source)
  await deployer.moveTo(nonceOf(section, place))
  const { address } = await deployer.create(artifact)
  const data = encodeFunctionData({ abi: artifact.abi, functionName: 'initialize', args })
  await deployer.create(openZeppelinArtifact('TransparentUpgradeableProxy'), [address, OWNER, data])
  await deployer.mine()
}
