import { readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { z } from 'zod'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { allocHash, type Alloc } from './alloc.ts'
import { GenesisError } from './error.ts'
import type { ChainGenesis } from './make.ts'

/** Where the repository keeps the beginning of every chain. */
export const KEPT_DIRECTORY = fileURLToPath(new URL('./kept/', import.meta.url))

const address = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)])
const hash = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)])

const manifestSchema = z.strictObject({
  version: z.literal(1),
  chains: z.array(
    z.strictObject({
      name: z.string(),
      chainId: z.int().positive(),
      kind: z.enum(['settlement', 'hub', 'rollup', 'foreign']),
      /** keccak256 of the alloc's text, before a network's identity is written into it. */
      hash,
      /** State root of the empty block 1 of a node that starts from that alloc. */
      stateRoot: hash,
      contracts: z.record(z.string(), address),
    }),
  ),
})

/** What the repository says about the kept beginning of every chain. */
export type GenesisManifest = z.infer<typeof manifestSchema>

const bundleBytesMax = 64 * 1024 * 1024

/** Writes the beginning of every chain and its manifest. */
export function writeGenesis(made: readonly ChainGenesis[], directory = KEPT_DIRECTORY): void {
  mkdirSync(directory, { recursive: true })
  const text = JSON.stringify({
    version: 1,
    allocs: Object.fromEntries(made.map(({ chain, alloc }) => [chain.chainId, alloc])),
  })
  const bytes = Buffer.from(text)
  const packed = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  })
  writeFileSync(join(directory, 'genesis.json.br'), packed)
  writeFileSync(
    join(directory, 'manifest.json'),
    `${JSON.stringify(manifestOf(made), undefined, 2)}\n`,
  )
}

/** Gives the manifest of freshly made beginnings. */
export function manifestOf(made: readonly ChainGenesis[]): GenesisManifest {
  return {
    version: 1,
    chains: made.map(({ chain, hash: allocsHash, stateRoot, contracts }) => ({
      ...chain,
      hash: allocsHash,
      stateRoot,
      contracts,
    })),
  }
}

/**
 * Reads the manifest of the kept beginnings.
 *
 * @throws {@link GenesisError} when it is absent or breaks its schema.
 */
export function readManifest(directory = KEPT_DIRECTORY): GenesisManifest {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')))
  } catch (error) {
    throw new GenesisError('The manifest of the genesis cannot be read.', [directory], error)
  }
}

/**
 * Reads the kept beginnings of some chains and checks each against the manifest.
 *
 * @throws {@link GenesisError} when one is absent or has another hash.
 */
export function readAllocs(
  manifest: GenesisManifest,
  chainIds: readonly number[],
  directory = KEPT_DIRECTORY,
): Map<number, Alloc> {
  const packed = readFileSync(join(directory, 'genesis.json.br'))
  const text = brotliDecompressSync(packed, { maxOutputLength: bundleBytesMax }).toString()
  const { allocs } = JSON.parse(text) as { allocs: Record<string, Alloc> }
  return new Map(chainIds.map((chainId) => [chainId, checked(manifest, chainId, allocs[chainId])]))
}

function checked(manifest: GenesisManifest, chainId: number, alloc: Alloc | undefined): Alloc {
  const expected: Hash | undefined = chainOf(manifest, chainId).hash
  if (alloc === undefined) throw new GenesisError(`No genesis of chain ${chainId} is kept.`)
  const actual = allocHash(alloc)
  if (actual === expected) return alloc
  throw new GenesisError(`The kept genesis of chain ${chainId} is not what its manifest says.`, [
    `hash: ${actual}; expected: ${expected}`,
  ])
}

/** Finds a chain in the manifest. */
export function chainOf(
  manifest: GenesisManifest,
  chainId: number,
): GenesisManifest['chains'][number] {
  const chain = manifest.chains.find((candidate) => candidate.chainId === chainId)
  if (chain === undefined) throw new GenesisError(`No genesis of chain ${chainId} is kept.`)
  return chain
}

/** Finds a contract of a chain in the manifest. */
export function contractOf(manifest: GenesisManifest, chainId: number, name: string): Address {
  const found = chainOf(manifest, chainId).contracts[name]
  if (found !== undefined) return found
  throw new GenesisError(`The genesis of chain ${chainId} has no contract "${name}".`)
}
