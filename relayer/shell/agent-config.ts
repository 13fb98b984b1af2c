import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError, describeIssues } from '../../sdk/process/config-error.ts'
import type { RelayedChain } from './chains/chains.ts'

const address = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)])
const rpc = z.looseObject({ http: z.url() })

/** What is read of a chain in Hyperlane's files; they hold much more, which is left alone. */
const chainSchema = z.looseObject({
  chainId: z.coerce.number().int().positive(),
  domainId: z.int().positive(),
  protocol: z.string().default('ethereum'),
  rpcUrls: z.array(rpc).min(1),
  blocks: z
    .looseObject({ reorgPeriod: z.union([z.int().min(0), z.string()]).default(0) })
    .default({ reorgPeriod: 0 }),
})

const addressesSchema = z.looseObject({
  mailbox: address,
  merkleTreeHook: address,
  validatorAnnounce: address,
  interchainGasPaymaster: address.optional(),
})

const agentSchema = z.looseObject({ chains: z.record(z.string(), z.unknown()) })

/** Providers of a chain that are taken from the files. */
const PROVIDERS_MAX = 8

/** Blocks that stand for a tag such as `finalized`: two epochs of Ethereum. */
const TAGGED_REORG_PERIOD = 64

/**
 * Reads the chains of Hyperlane's agent-config JSON or of a Hyperlane registry, as they are.
 *
 * Chains that are no EVM chains are left out.
 *
 * @throws {@link ConfigError} when a chain lacks what relaying needs, with its place.
 */
export function readAgentChains(from: {
  agentConfig: string | undefined
  registry: string | undefined
}): readonly RelayedChain[] {
  const chains: RelayedChain[] = []
  if (from.agentConfig !== undefined) {
    const path = from.agentConfig
    const { chains: found } = check(agentSchema, readJson(path), path)
    for (const [name, entry] of Object.entries(found)) {
      const chain = chainOf(name, {
        metadata: entry,
        addresses: entry,
        place: `${path}: chains.${name}`,
      })
      if (chain !== undefined) chains.push(chain)
    }
  }
  if (from.registry !== undefined) {
    const folder = join(from.registry, 'chains')
    for (const name of readdirSync(folder).toSorted()) {
      const [metadata, addresses] = ['metadata.yaml', 'addresses.yaml'].map((file) =>
        join(folder, name, file),
      ) as [string, string]
      if (!existsSync(metadata) || !existsSync(addresses)) continue
      const chain = chainOf(name, {
        metadata: readYaml(metadata),
        addresses: readYaml(addresses),
        place: join(folder, name),
      })
      if (chain !== undefined) chains.push(chain)
    }
  }
  if (chains.length >= 2) return chains
  throw new ConfigError('Relaying needs two chains.', [`chains found: ${chains.length}`])
}

function chainOf(
  name: string,
  { metadata, addresses, place }: { metadata: unknown; addresses: unknown; place: string },
): RelayedChain | undefined {
  const { chainId, domainId, protocol, rpcUrls, blocks } = check(chainSchema, metadata, place)
  if (protocol !== 'ethereum') return undefined
  if (chainId !== domainId) {
    throw new ConfigError('A domain that is not the chain id is not supported.', [
      `${place}.domainId: ${domainId}; chainId: ${chainId}`,
    ])
  }
  const { mailbox, merkleTreeHook, validatorAnnounce, interchainGasPaymaster } = check(
    addressesSchema,
    addresses,
    place,
  )
  const paymaster = interchainGasPaymaster && !/^0x0{40}$/.test(interchainGasPaymaster)
  const { reorgPeriod } = blocks
  return {
    name,
    chainId,
    kind: 'foreign',
    rpcUrl: rpcUrls[0]!.http,
    otherRpcUrls: rpcUrls.slice(1, PROVIDERS_MAX).map(({ http }) => http),
    genesisHash: `0x${'0'.repeat(64)}`,
    contracts: {
      ...{ mailbox, merkleTreeHook, validatorAnnounce },
      ...(paymaster ? { interchainGasPaymaster } : {}),
    },
    reorgPeriod: typeof reorgPeriod === 'number' ? reorgPeriod : TAGGED_REORG_PERIOD,
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ConfigError(`${place} lacks what relaying needs.`, describeIssues(parsed.error))
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError(`${path} is no JSON.`, [(error as Error).message])
  }
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 })
  } catch (error) {
    throw new ConfigError(`${path} is no YAML.`, [(error as Error).message])
  }
}
