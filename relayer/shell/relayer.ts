import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { serveHealth } from '../../sdk/process/health.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import { SIGNER_LANES, type SignerLane } from '../core/class.ts'
import type { MessageRecord } from '../core/stages.ts'
import type { RelayerRole } from '../core/roles.ts'
import { mountOperatorApi } from './operating/api/mount.ts'
import type { Token } from './operating/api/tokens.ts'
import { openChain, requireOwnChain, type Chain } from './chains/chains.ts'
import { openCheckpoints, type Checkpoints } from './metadata/checkpoints.ts'
import type { RelayerConfig } from './config.ts'
import { startConfirming } from './confirming/confirm.ts'
import { openControls, type Controls } from './operating/controls.ts'
import type { Faultpoint } from './faults.ts'
import { followHeads, type Heads } from './chains/heads.ts'
import { startIndexer, type Indexer } from './indexing/indexer.ts'
import { createIntake } from './indexing/intake.ts'
import { startJanitor } from './operating/janitor.ts'
import { laneName, redisKeys, type RedisKeys } from './redis/keys.ts'
import { startLane, type Lane, type LaneCommand } from './submitting/lane.ts'
import { openLedgerStore, type LedgerStore } from './redis/ledger-store.ts'
import { createMetrics, type Metrics } from './operating/metrics.ts'
import { publishParts, type PartState } from './operating/parts.ts'
import { BATCH_LIMITS, ledgerPolicyOf } from './operating/policy.ts'
import { startPreparing } from './submitting/prepare.ts'
import { readinessOf } from './operating/readiness.ts'
import { createRecords, type Records } from './redis/records.ts'
import { connectImpatiently, connectPatiently, requireDurableRedis } from './redis/redis.ts'
import { createResolver, type Resolver } from './metadata/resolver.ts'
import { observeDelivery, startSampling } from './operating/sampling.ts'
import type { Signer } from './submitting/signer.ts'
import { openWork, type Work, type Worker } from './redis/work.ts'

/** What a relayer runs with. */
export type RelayerOptions = {
  config: RelayerConfig
  roles: ReadonlySet<RelayerRole>
  signers: Readonly<Record<SignerLane, Signer>>
  tokens: readonly Token[]
  registry: Registry
  log: Logger
  faultpoint: Faultpoint
}

/** A running relayer. */
export type Relayer = { url: string; stop: () => Promise<void> }

/** One chain and everything that works for it. */
export type Site = { chain: Chain; heads: Heads; ledgers: ReadonlyMap<SignerLane, LedgerStore> }

/** What all parts share. */
export type Shared = {
  redis: Redis
  keys: RedisKeys
  records: Records
  work: Work
  controls: Controls
  checkpoints: Checkpoints
  resolver: Resolver
  metrics: Metrics
  log: Logger
  faultpoint: Faultpoint
  onError: (part: string) => (error: unknown) => void
}

type Parts = { lanes: readonly Lane[]; workers: readonly Worker[]; indexers: readonly Indexer[] }

const KEEP_FINISHED = 20_000

/**
 * Starts a relayer: the given roles in this process, for every chain of the network.
 *
 * @throws ConfigError when Redis would forget what the relayer relies on, or an RPC is another chain's.
 */
export async function startRelayer(options: RelayerOptions): Promise<Relayer> {
  const { config, roles, signers, registry, log, faultpoint } = options
  const metrics = createMetrics(registry)
  const onError = (part: string) => (error: unknown) => {
    metrics.failures.inc({ part })
    log.debug({ err: error, part }, 'failed for now')
  }
  const redis = connectPatiently(config.redis)
  const probe = connectImpatiently(config.redis)
  const connections = [redis, probe]
  for (const connection of connections) connection.on('error', onError('redis'))
  await requireDurableRedis(redis)

  const keys = redisKeys(config.logId)
  const records = createRecords({ redis, keys })
  const sites = openSites({ config, signers, redis, keys, metrics, onError })
  await Promise.all([...sites.values()].map(({ chain }) => requireOwnChain(chain)))
  const controls = await openControls({
    ...{ redis, keys, initial: config.policy, onError: onError('controls') },
  })
  const work = openWork({ redis, keys, onError: onError('work') })
  const checkpoints = checkpointsFor(options, { metrics, onError })
  const relayers = SIGNER_LANES.map((lane) => signers[lane].address)
  const resolver = createResolver(checkpoints, relayers)
  const shared: Shared = {
    ...{ redis, keys, records, work, controls, checkpoints, resolver, metrics, log },
    ...{ faultpoint, onError },
  }
  const parts = startParts(shared, sites, options)
  obeyCommands(shared, parts)
  const ledgerOf = (chainId: number, lane: SignerLane) => sites.get(chainId)?.ledgers.get(lane)
  const janitor = roles.has('janitor')
    ? startJanitor({ ...shared, ledgerOf, keep: KEEP_FINISHED })
    : undefined
  const owned = () => ownedParts(parts)
  const publishing = publishParts({
    ...{ redis, keys, owned, process: randomUUID(), onError: onError('parts') },
  })
  const readiness = readinessFor({ shared, sites, probe })
  const server = await serve({ shared, sites, parts, probe, options, readiness })
  const lanes = () => parts.lanes.map((lane) => lane.state())
  const sampling = startSampling({
    ...{ metrics, sites, work, signers, lanes, readiness, onError: onError('metrics') },
  })

  const stop = async () => {
    sampling.stop()
    publishing.stop()
    await server.close()
    const all = [...parts.indexers, ...parts.lanes, ...parts.workers]
    await Promise.all([...all.map((part) => part.stop()), janitor?.stop()])
    checkpoints.stop()
    controls.stop()
    for (const { chain, heads } of sites.values()) {
      heads.stop()
      chain.providers.stop()
    }
    work.close()
    for (const connection of connections) connection.disconnect()
  }
  return { url: server.url, stop }
}

/** Opens the validators' checkpoints for those who prepare messages; others follow nobody. */
function checkpointsFor(
  { config, roles, log }: RelayerOptions,
  { metrics, onError }: Pick<Shared, 'metrics' | 'onError'>,
): Checkpoints {
  const endpoints = config.validators.map(({ chainId, address, url }) => {
    return { chainId, address: address as Address, url }
  })
  return openCheckpoints({
    endpoints: roles.has('submitter') ? endpoints : [],
    onError: onError('checkpoints'),
    onEquivocation: (validator, both) => {
      const origin = `${both[0]?.checkpoint.origin}`
      metrics.equivocations.inc({ origin, validator })
      log.error({ validator, both }, 'validator signed twice')
    },
  })
}

function openSites(
  options: Pick<RelayerOptions, 'config' | 'signers'> &
    Pick<Shared, 'redis' | 'keys' | 'metrics' | 'onError'>,
): ReadonlyMap<number, Site> {
  const { config, signers, redis, keys, metrics, onError } = options
  const sites = config.chains.map((described) => {
    const chain = openChain(described, {
      onRequest: (name, method, status) => metrics.requests.inc({ chain: name, method, status }),
      onFault: (name, provider, kind) =>
        metrics.providerFaults.inc({ chain: name, provider, kind }),
      onDisagreement: (name) => metrics.disagreements.inc({ chain: name }),
    })
    const { chainId } = chain
    const stores = SIGNER_LANES.map((lane) => {
      const signer = signers[lane].address
      return [lane, openLedgerStore({ redis, keys, chainId, signer })] as const
    })
    const heads = followHeads({ chain, pollMs: config.pollMs, onError: onError('heads') })
    return [chainId, { chain, heads, ledgers: new Map(stores) }] as const
  })
  return new Map(sites)
}

function startParts(
  shared: Shared,
  sites: ReadonlyMap<number, Site>,
  { config, roles, signers }: RelayerOptions,
): Parts {
  const { onError } = shared
  const chains = new Map([...sites].map(([chainId, { chain }]) => [chainId, chain]))
  const headsOf = new Map([...sites].map(([chainId, { heads }]) => [chainId, heads]))
  const destinations = new Set(chains.keys())
  const onDelivered = (record: MessageRecord) => void observeDelivery({ ...shared, chains }, record)
  const lanes: Lane[] = []
  const workers: Worker[] = []
  const indexers: Indexer[] = []
  for (const { chain, heads, ledgers } of sites.values()) {
    if (roles.has('submitter')) {
      for (const [lane, store] of ledgers) {
        const policies = {
          ledgerPolicy: ledgerPolicyOf(chain),
          feePolicy: config.fees[lane],
          batchLimits: BATCH_LIMITS[lane],
        }
        const own = { chain, chains, lane, signer: signers[lane], heads, store, onDelivered }
        lanes.push(startLane({ ...shared, ...policies, ...own }))
      }
      const { backupDelayMs } = config
      const own = { chain, chains, heads: headsOf, backupDelayMs, onError: onError('prepare') }
      workers.push(startPreparing({ ...shared, ...own }))
    }
    if (roles.has('confirmer')) {
      workers.push(
        startConfirming({ ...shared, chain, heads, ledgers, onError: onError('confirm') }),
      )
    }
    if (roles.has('indexer')) {
      const trust = { senders: chain.contracts, logId: config.logId }
      const intake = createIntake({ ...shared, chain, destinations, trust })
      indexers.push(startIndexer({ ...shared, chain, heads, intake }))
    }
  }
  return { lanes, workers, indexers }
}

/** What an operator asks reaches every process; who owns the lane or searches the chain does it. */
function obeyCommands({ work, keys, onError }: Shared, { lanes, indexers }: Parts): void {
  work.listen(keys.commands, (text) => {
    const { subject, command } = JSON.parse(text) as { subject: string; command: LaneCommand }
    for (const indexer of indexers) {
      if (subject === `indexer-${indexer.chainId}`) indexer.hint()
    }
    for (const lane of lanes) {
      const { chainId, lane: name } = lane.state()
      if (subject !== laneName(chainId, name as SignerLane)) continue
      lane.command(command).catch(onError('command'))
    }
  })
}

function ownedParts({ lanes, indexers }: Parts): readonly PartState[] {
  const owned = lanes.map((lane) => lane.state()).filter((state) => state.owned)
  return [
    ...owned.map(({ latestNonce = null, held = null, ...state }) => {
      return { kind: 'lane' as const, ...state, latestNonce, held }
    }),
    ...indexers
      .filter((indexer) => indexer.owned())
      .map(({ chainId, chainName: chain, trouble }) => {
        return { kind: 'indexer' as const, chainId, chain, trouble: trouble() ?? null }
      }),
  ]
}

async function serve(context: {
  shared: Shared
  sites: ReadonlyMap<number, Site>
  parts: Parts
  probe: Redis
  options: RelayerOptions
  readiness: ReturnType<typeof readinessFor>
}) {
  const { shared, probe, options, readiness } = context
  const { config, roles, registry } = options
  const records = createRecords({ redis: probe, keys: shared.keys })
  return await serveHealth({
    registry,
    readiness,
    port: config.port,
    mount: (app) => {
      if (roles.has('api')) mountOperatorApi(app, { ...context, records })
    },
  })
}

/** Makes what answers whether messages make progress, in all processes together. */
function readinessFor(context: { shared: Shared; sites: ReadonlyMap<number, Site>; probe: Redis }) {
  const { shared, sites, probe } = context
  const { keys, controls } = shared
  const records = createRecords({ redis: probe, keys })
  const chains = new Map([...sites].map(([chainId, { chain }]) => [chainId, chain.name]))
  const lanes = [...sites.keys()].flatMap((chainId) =>
    SIGNER_LANES.map((lane) => laneName(chainId, lane)),
  )
  return () => readinessOf({ redis: probe, keys, records, controls, chains, lanes })
}
