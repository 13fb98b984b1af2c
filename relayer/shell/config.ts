import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { keccak256, stringToHex } from 'viem/utils'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError, describeIssues } from '../../sdk/process/config-error.ts'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import type { Hash } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { SignerLane } from '../core/class.ts'
import type { FeePolicy } from '../core/fees.ts'
import { policySchema, type Policy } from '../core/policy.ts'
import { readAgentChains } from './agent-config.ts'
import type { RelayedChain } from './chains/chains.ts'
import { FEE_POLICY } from './operating/policy.ts'
import type { RedisPlace } from './redis/redis.ts'

/** Everything that a relayer is told before it starts. */
export type RelayerConfig = {
  /** Keeps what one network's relayers write in Redis apart from the next. */
  logId: Hash
  chains: readonly RelayedChain[]
  validators: Network['validators']
  /** The network file, where there is one: development keys need its word. */
  network: Network | undefined
  redis: RedisPlace
  port: number
  pollMs: number
  /** True to let callers without a token read. */
  openRead: boolean
  fees: Readonly<Record<SignerLane, FeePolicy>>
  policy: Policy | undefined
  /** Milliseconds from the first sight of a message until this relayer takes it. */
  backupDelayMs: number
}

const gwei = z.number().positive().max(1_000_000)
const lane = z.strictObject({
  maxFeeGwei: gwei.optional(),
  tipMinGwei: z.number().min(0).optional(),
})

/** Schema of the configuration file, version 1: what is absent is taken from the network file. */
const fileSchema = z.strictObject({
  version: z.literal(1),
  network: z.string().optional(),
  /** Hyperlane's agent-config JSON, as it is. */
  agentConfig: z.string().optional(),
  /** Folder of a Hyperlane registry, as it is. */
  registry: z.string().optional(),
  /** Names of the chains to relay between; all by default. */
  relayChains: z.array(z.string()).min(2).optional(),
  redis: z
    .union([
      z.strictObject({ url: z.url() }),
      z.strictObject({
        sentinels: z
          .array(z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) }))
          .min(1),
        name: z.string().min(1),
        db: z.int().min(0).max(15).default(0),
      }),
    ])
    .optional(),
  port: z.int().min(0).max(65_535).optional(),
  pollMs: z.int().min(10).max(60_000).optional(),
  openRead: z.boolean().optional(),
  lanes: z.strictObject({ critical: lane.optional(), transfer: lane.optional() }).optional(),
  chains: z
    .record(
      z.string(),
      z.strictObject({
        rpcUrl: z.url().optional(),
        /** Several providers, the preferred first: the next is asked when one does not answer. */
        rpcUrls: z.array(z.url()).min(1).max(8).optional(),
        /** Whole token units from which two providers must show a message before it is signed for. */
        voteAbove: z.int().min(0).optional(),
        wsUrl: z.url().optional(),
        reorgPeriod: z.int().min(0).max(100_000).optional(),
      }),
    )
    .optional(),
  /** Milliseconds that another operator's relayer has for a message before this one takes it. */
  backupDelayMs: z.int().min(0).max(600_000).optional(),
  policy: policySchema.optional(),
})

type File = z.infer<typeof fileSchema>

/** What the command line and the environment say besides the file. */
export type ConfigOverrides = {
  networkFile?: string | undefined
  redisUrl?: string | undefined
  port?: number | undefined
  pollMs?: number | undefined
}

const PORT_DEFAULT = 9600

/**
 * Loads a relayer's configuration: the file if there is one, the network file or Hyperlane's own.
 *
 * @throws {@link ConfigError} naming the place of each fault and what would be right there.
 */
export function loadConfig(path: string | undefined, overrides: ConfigOverrides): RelayerConfig {
  const file = path === undefined ? ({ version: 1 } as File) : readConfigFile(path)
  const beside = (name: string) => resolve(path === undefined ? '.' : dirname(path), name)
  const network = networkOf(file, { beside, overrides })
  const chains = chainsOf(file, { network, beside })
  const redis = overrides.redisUrl ?? network?.redis.url
  const place = overrides.redisUrl === undefined ? file.redis : undefined
  if (place === undefined && redis === undefined) {
    throw new ConfigError('The configuration names no Redis.', ['redis.url: required'])
  }
  const relayerUrl = network && new URL(network.relayer.url)
  return {
    logId: network?.logId ?? namespaceOf(chains),
    chains,
    validators: network?.validators ?? [],
    network,
    redis: place ?? { url: redis ?? '' },
    port: overrides.port ?? file.port ?? (relayerUrl ? Number(relayerUrl.port) : PORT_DEFAULT),
    pollMs: overrides.pollMs ?? file.pollMs ?? 100,
    openRead: file.openRead ?? network?.local === true,
    fees: { critical: feesOf('critical', file), transfer: feesOf('transfer', file) },
    policy: file.policy,
    backupDelayMs: file.backupDelayMs ?? 0,
  }
}

function readConfigFile(path: string): File {
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8'), { strict: true, maxAliasCount: 0 })
  } catch (error) {
    throw new ConfigError(`${path} cannot be read.`, [(error as Error).message.split('\n', 1)[0]!])
  }
  const parsed = fileSchema.safeParse(content)
  if (parsed.success) return parsed.data
  throw new ConfigError(`${path} is not a valid configuration.`, [
    ...describeIssues(parsed.error),
    'hint: `tandem relayer config print` shows every key that is taken',
  ])
}

function networkOf(
  file: File,
  { beside, overrides }: { beside: (name: string) => string; overrides: ConfigOverrides },
): Network | undefined {
  if (overrides.networkFile !== undefined) return loadNetwork(overrides.networkFile)
  if (file.network !== undefined) return loadNetwork(beside(file.network))
  if (file.agentConfig !== undefined || file.registry !== undefined) return undefined
  return loadNetwork(NETWORK_FILE_DEFAULT)
}

function chainsOf(
  file: File,
  { network, beside }: { network: Network | undefined; beside: (name: string) => string },
): readonly RelayedChain[] {
  const { agentConfig, registry, relayChains, chains: changes = {} } = file
  const known: readonly RelayedChain[] =
    network?.chains ??
    readAgentChains({
      agentConfig: agentConfig && existing('agentConfig', beside(agentConfig)),
      registry: registry && existing('registry', beside(registry)),
    })
  const names = known.map(({ name }) => name)
  for (const [place, wanted] of [
    ['relayChains', relayChains ?? []],
    ['chains', Object.keys(changes)],
  ] as const) {
    const unknown = wanted.find((name) => !names.includes(name))
    if (unknown === undefined) continue
    throw new ConfigError(`There is no chain ${unknown}.`, [
      `${place}.${unknown}: unknown`,
      `hint: one of ${names.join(', ')}`,
    ])
  }
  return known
    .filter(({ name }) => relayChains === undefined || relayChains.includes(name))
    .map((chain) => {
      const { rpcUrls, wsUrl, reorgPeriod, voteAbove } = changes[chain.name] ?? {}
      const [rpcUrl = changes[chain.name]?.rpcUrl, ...others] = rpcUrls ?? []
      return {
        ...chain,
        rpcUrl: rpcUrl ?? chain.rpcUrl,
        otherRpcUrls: rpcUrl === undefined ? chain.otherRpcUrls : others,
        voteAbove,
        // A socket to another node than the one that is asked would tell of other heads.
        wsUrl: wsUrl ?? (rpcUrl === undefined ? chain.wsUrl : undefined),
        reorgPeriod: reorgPeriod ?? chain.reorgPeriod,
      }
    })
}

function existing(key: string, path: string): string {
  if (existsSync(path)) return path
  throw new ConfigError('A file that the configuration names is not there.', [`${key}: ${path}`])
}

function feesOf(lane: SignerLane, { lanes }: File): FeePolicy {
  const { maxFeeGwei, tipMinGwei } = lanes?.[lane] ?? {}
  const wei = (amount: number) => BigInt(Math.round(amount * 1e9))
  return {
    maxFeePerGas: maxFeeGwei === undefined ? FEE_POLICY[lane].maxFeePerGas : wei(maxFeeGwei),
    tipMin: tipMinGwei === undefined ? FEE_POLICY[lane].tipMin : wei(tipMinGwei),
  }
}

/** A name for networks that have none: what their mailboxes are. */
function namespaceOf(chains: readonly RelayedChain[]): Hash {
  const mailboxes = chains.map(({ chainId, contracts }) => `${chainId}:${contracts['mailbox']}`)
  return keccak256(stringToHex(mailboxes.toSorted().join('\n').toLowerCase()))
}
