import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Abi } from 'viem'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { Artifact } from './deployer.ts'
import { GenesisError } from './error.ts'

const root = new URL('../../../', import.meta.url)
const requireHere = createRequire(import.meta.url)

type Factory = { abi: Abi; bytecode: string }

/** Gives a contract of Hyperlane's core package: its ABI and creation code. */
export type HyperlaneArtifacts = (name: string) => Artifact

/** Loads Hyperlane's core package; it takes a second and is there in development only. */
export async function loadHyperlaneArtifacts(): Promise<HyperlaneArtifacts> {
  // The package's types describe every version of ethers' contracts; only two fields are used here.
  const module = (await import('@hyperlane-xyz/core')) as unknown as Record<string, Factory>
  return (name) => {
    const factory = module[`${name}__factory`]
    if (factory === undefined) throw new GenesisError(`@hyperlane-xyz/core has no ${name}.`)
    return { name, abi: factory.abi, bytecode: `0x${factory.bytecode.replace(/^0x/, '')}` }
  }
}

/** Reads what the compiler made of a contract of Tandem; `npm run build:contracts` writes it. */
export function tandemArtifact(source: string): Artifact {
  const name = source.slice(source.lastIndexOf('/') + 1)
  const path = fileURLToPath(new URL(`.build/artifacts/contracts/${source}.sol/${name}.json`, root))
  return readArtifact(name, path)
}

/** Reads a contract that OpenZeppelin's package carries in compiled form. */
export function openZeppelinArtifact(name: string): Artifact {
  return readArtifact(
    name,
    requireHere.resolve(`@openzeppelin/contracts/build/contracts/${name}.json`),
  )
}

function readArtifact(name: string, path: string): Artifact {
  try {
    const { abi, bytecode } = JSON.parse(readFileSync(path, 'utf8')) as Factory
    return { name, abi, bytecode: bytecode as Hex }
  } catch (error) {
    throw new GenesisError(
      `What the compiler made of ${name} cannot be read.`,
      [`path: ${path}`, 'Run `npm run build:contracts` first.'],
      error,
    )
  }
}
