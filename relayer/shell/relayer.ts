import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { serveHealth } from '../../sdk/process/health.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { SIGNER_LANES, type SignerLane } from '../core/class.ts'
import type { MessageRecord } from '../core/stages.ts'
import { mountApi } from './api.ts'
import { openChain, type Chain } from './chains.ts'
import { openCheckpoints, type Checkpoints } from './checkpoints.ts'
import { startConfirming } from './confirm.ts'
import type { Faultpoint } from './faults.ts'
import { followHeads, type Heads } from './heads.ts'
import { startIndexer, type Indexer } from './indexer.ts'
import { createIntake } from './intake.ts'
import { startJanitor } from './janitor.ts'
import { redisKeys, type RedisKeys } from './keys.ts'
import { startLane, type Lane } from './lane.ts'
import { openLedgerStore, type LedgerStore } from './ledger-store.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { BATCH_LIMITS, FEE_POLICY, ledgerPolicyOf } from './policy.ts'
import { startPreparing } from './prepare.ts'
import { createRecords, type Records } from './records.ts'
import { connectImpatiently, connectPatiently, requireDurableRedis } from './redis.ts'
import { createResolver, type Resolver } from './resolver.ts'
import { observeDelivery, startSampling } from './sampling.ts'
import type { Signer } from './signer.ts'
import { openWork, type Work, type Worker } from './work.ts'

/** What a relayer runs with. */
export type RelayerOptions = {
  network: Network
  signers: Readonly<Record<SignerLane, Signer>>
  redisUrl: string
  /** Port of the operator API; 0 takes a free one. */
  port: number
  /** Milliseconds between questions to a chain that has no WebSocket. */
  pollMs: number
  registry: Registry
  log: Logger
  faultpoint: Faultpoint
}

/** A running relayer. */
export type Relayer = { url: string; stop: () => Promise<void> }

/** One chain and everything that works for it. */
type Site = { chain: Chain; heads: Heads; ledgers: ReadonlyMap<SignerLane, LedgerStore> }

/** What all parts share. */
type Shared = {
  redis: Redis
  keys: RedisKeys
  records: Records
  work: Work
  checkpoints: Checkpoints
  resolver: Resolver
  metrics: Metrics
  log: Logger
  faultpoint: Faultpoint
  onError: (part: string) => (error: unknown) => void
}

type Parts = { lanes: readonly Lane[]; workers: readonly Worker[]; indexers: readonly Indexer[] }

const KEEP_FINISHED = 20_000
const SILENT_MS_MAX = 10_000

/**
 * Starts a relayer: every role in this process, for every chain of the network.
 *
 * @throws ConfigError when Redis would forget what the relayer relies on.
 */
export async function startRelayer(options: RelayerOptions): Promise<Relayer> {
  const { network, signers, redisUrl, port, pollMs, registry, log, faultpoint } = options
  const metrics = createMetrics(registry)
  const onError = (part: string) => (error: unknown) => {
    metrics.failures.inc({ part })
    log.debug({ err: error, part }, 'failed for now')
  }
  const redis = connectPatiently(redisUrl, { pipelining: true })
  const probe = connectImpatiently(redisUrl)
  const connections = [redis, probe]
  for (const connection of connections) connection.on('error', onError('redis'))
  await requireDurableRedis(redis)

  const keys = redisKeys(network.logId)
  const records = createRecords({ redis, keys })
  const sites = openSites({ network, signers, redis, keys, metrics, pollMs, onError })
  const work = openWork({ redis, keys, onError: onError('work') })
  const endpoints = network.validators.map(({ chainId, address, url }) => {
    return { chainId, address: address as Address, url }
  })
  const checkpoints = openCheckpoints({ endpoints, onError: onError('checkpoints') })
  const resolver = createResolver(checkpoints)
  const shared: Shared = {
    ...{ redis, keys, records, work, checkpoints, resolver, metrics, log, faultpoint, onError },
  }
  const parts = startParts(shared, sites, { network, signers })
  const ledgerOf = (chainId: number, lane: SignerLane) => sites.get(chainId)?.ledgers.get(lane)
  const janitor = startJanitor({ ...shared, ledgerOf, keep: KEEP_FINISHED })
  const server = await serve({ shared, sites, parts, probe, registry, port })
  const sampling = startSampling({ metrics, sites, work, signers, onError: onError('metrics') })

  const stop = async () => {
    sampling.stop()
    await server.close()
    const all = [...parts.indexers, ...parts.lanes, ...parts.workers, janitor]
    await Promise.all(all.map((part) => part.stop()))
    checkpoints.stop()
    for (const { heads } of sites.values()) heads.stop()
    work.close()
    for (const connection of connections) connection.disconnect()
  }
  return { url: server.url, stop }
}

function openSites(
  options: Pick<RelayerOptions, 'network' | 'signers' | 'pollMs'> &
    Pick<Shared, 'redis' | 'keys' | 'metrics' | 'onError'>,
): ReadonlyMap<number, Site> {
  const { network, signers, redis, keys, metrics, pollMs, onError } = options
  const sites = network.chains.map((described) => {
    const chain = openChain(described, (name, method, status) =>
      metrics.requests.inc({ chain: name, method, status }),
    )
    const { chainId } = chain
    const stores = SIGNER_LANES.map((lane) => {
      const signer = signers[lane].address
      return [lane, openLedgerStore({ redis, keys, chainId, signer })] as const
    })
    const heads = followHeads({ chain, pollMs, onError: onError('heads') })
    return [chainId, { chain, heads, ledgers: new Map(stores) }] as const
  })
  return new Map(sites)
}

function startParts(
  shared: Shared,
  sites: ReadonlyMap<number, Site>,
  { network, signers }: Pick<RelayerOptions, 'network' | 'signers'>,
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
    for (const [lane, store] of ledgers) {
      const policies = {
        ledgerPolicy: ledgerPolicyOf(chain),
        feePolicy: FEE_POLICY[lane],
        batchLimits: BATCH_LIMITS[lane],
      }
      const signer = signers[lane]
      lanes.push(
        startLane({ ...shared, ...policies, chain, lane, signer, heads, store, onDelivered }),
      )
    }
    workers.push(
      startPreparing({ ...shared, chain, chains, heads: headsOf, onError: onError('prepare') }),
      startConfirming({ ...shared, chain, heads, ledgers, onError: onError('confirm') }),
    )
    const trust = { senders: chain.contracts, logId: network.logId }
    const intake = createIntake({ ...shared, chain, destinations, trust })
    indexers.push(startIndexer({ ...shared, chain, heads, intake }))
  }
  return { lanes, workers, indexers }
}

async function serve(context: {
  shared: Shared
  sites: ReadonlyMap<number, Site>
  parts: Parts
  probe: Redis
  registry: Registry
  port: number
}) {
  const { shared, sites, parts, probe, registry, port } = context
  const { keys, resolver } = shared
  const readiness = async () => {
    const reasons: string[] = []
    await probe.ping().catch((error: Error) => reasons.push(`redis: ${error.message}`))
    for (const { chain, heads } of sites.values()) {
      const silentMs = heads.silentMs()
      if (silentMs > SILENT_MS_MAX)
        reasons.push(`${chain.name}: no answer for ${Math.round(silentMs)} ms`)
    }
    for (const { chainName, trouble } of parts.indexers) {
      const text = trouble()
      if (text !== undefined) reasons.push(`${chainName}: ${text}`)
    }
    for (const { chainId, lane, held } of parts.lanes.map((one) => one.state())) {
      if (held !== undefined) reasons.push(`lane ${lane} on ${chainId}: ${held}`)
    }
    return { ready: reasons.length === 0, reasons }
  }
  const explain = async (record: MessageRecord) => {
    const origin = sites.get(record.origin)?.chain
    const destination = sites.get(record.destination)?.chain
    if (origin === undefined || destination === undefined) return undefined
    const leaf = await probe.hget(keys.leaves(record.origin), record.id)
    const leafIndex = leaf === null ? undefined : Number(leaf)
    return (await resolver.resolve({ record, origin, destination, leafIndex })).ism
  }
  const records = createRecords({ redis: probe, keys })
  const lanes = () => parts.lanes.map((one) => one.state())
  return await serveHealth({
    registry,
    readiness,
    port,
    mount: (app) => mountApi(app, { records, lanes, explain }),
  })
}
