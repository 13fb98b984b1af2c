import { readFileSync, statSync } from 'node:fs'
import { ConfigError, describeIssues } from './config-error.ts'
import { networkSchema, type Network, type NetworkChain } from '../protocol/network.ts'

/** Where `npm start` writes the network's public description, from the project's root. */
export const NETWORK_FILE_DEFAULT = '.tandem/network.json'

const networkFileBytesMax = 4 * 1024 * 1024

/**
 * Reads and checks the public description of a network.
 *
 * @throws {@link ConfigError} when the file is absent, too large, no JSON, of another version, or
 * breaks the schema; every fault is named.
 */
export function loadNetwork(path: string = NETWORK_FILE_DEFAULT): Network {
  const value = parseJson(path, readLimited(path))
  const version = (value as { version?: unknown } | null)?.version
  if (version !== 1) {
    throw new ConfigError(`The network file ${path} has an unknown version.`, [
      `version: ${JSON.stringify(version) ?? 'none'}; this program reads version 1`,
    ])
  }
  const parsed = networkSchema.safeParse(value)
  if (!parsed.success) {
    throw new ConfigError(`The network file ${path} is not valid.`, describeIssues(parsed.error))
  }
  return deepFreeze(parsed.data)
}

/**
 * Finds a chain of the network by its id.
 *
 * @throws {@link ConfigError} when the network has no such chain.
 */
export function chainById(network: Network, chainId: number): NetworkChain {
  const chain = network.chains.find((candidate) => candidate.chainId === chainId)
  if (chain !== undefined) return chain
  const known = network.chains.map(({ name, chainId: id }) => `${name} ${id}`).join(', ')
  throw new ConfigError(`Chain ${chainId} is not in the network.`, [`known: ${known}`])
}

/**
 * Finds a chain of the network by its name.
 *
 * @throws {@link ConfigError} when the network has no such chain.
 */
export function chainByName(network: Network, name: string): NetworkChain {
  const chain = network.chains.find((candidate) => candidate.name === name)
  if (chain !== undefined) return chain
  const known = network.chains.map((candidate) => candidate.name).join(', ')
  throw new ConfigError(`Chain "${name}" is not in the network.`, [`known: ${known}`])
}

/**
 * Finds a contract of a chain by the name that the network file gives it.
 *
 * @throws {@link ConfigError} when the chain has no such contract.
 */
export function contractAddress(chain: NetworkChain, contract: string): `0x${string}` {
  const address = chain.contracts[contract]
  if (address !== undefined) return address as `0x${string}`
  throw new ConfigError(`Chain ${chain.name} has no contract "${contract}".`, [
    `known: ${Object.keys(chain.contracts).join(', ')}`,
  ])
}

function readLimited(path: string): string {
  try {
    const { size } = statSync(path)
    if (size <= networkFileBytesMax) return readFileSync(path, 'utf8')
    throw new ConfigError(`The network file ${path} is too large.`, [
      `bytes: ${size}; limit: ${networkFileBytesMax}`,
    ])
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const { code } = error as NodeJS.ErrnoException
    const hint =
      code === 'ENOENT'
        ? ['Start a network with `npm start`, or name one with --network FILE.']
        : []
    throw new ConfigError(`The network file ${path} cannot be read (${code}).`, hint, error)
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError(`The network file ${path} is not JSON.`, [], error)
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
