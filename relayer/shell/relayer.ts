import type { Registry } from 'prom-client'
import { serveHealth } from '../../sdk/process/health.ts'
import type { Logger } from '../../sdk/process/log.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { SIGNER_LANES, type SignerLane } from '../core/class.ts'
import type { MessageRecord } from '../core/stages.ts'
import { mountApi } from './api.ts'
import { openChain, type Chain } from './chains.ts'
import { openCheckpoints } from './checkpoints.ts'
import { startConfirming } from './confirm.ts'
import type { Faultpoint } from './faults.ts'
import { followHeads, type Heads } from './heads.ts'
import { startIndexer } from './indexer.ts'
import { createIntake } from './intake.ts'
import { startJanitor } from './janitor.ts'
import { redisKeys } from './keys.ts'
import { startLane } from './lane.ts'
import { openLedgerStore } from './ledger-store.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { FEE_POLICY, ledgerPolicyOf } from './policy.ts'
import { startPreparing } from './prepare.ts'
import { openQueues } from './queues.ts'
import { createRecords } from './records.ts'
import { connectImpatiently, connectPatiently, requireDurableRedis } from './redis.ts'
import { createResolver } from './resolver.ts'
import type { Signer } from './signer.ts'

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

const KEEP_FINISHED = 20_000
const SILENT_MS_MAX = 10_000
const SAMPLE_MS = 2_000

/** Starts a relayer: every role in this process, for every chain of the network. */
export async function startRelayer(options: RelayerOptions): Promise<Relayer> {
  const { network, signers, redisUrl, port, pollMs, registry, log, faultpoint } = options
  const metrics = createMetrics(registry)
  const onError = (part: string) => (error: unknown) => {
    metrics.failures.inc({ part })
    log.debug({ err: error, part }, 'failed for now')
  }
  const redis = connectPatiently(redisUrl, { pipelining: true })
  const jobs = connectPatiently(redisUrl, { pipelining: false })
  const probe = connectImpatiently(redisUrl)
  for (const [part, connection] of Object.entries({ redis, jobs, probe })) connection.on('error', onError(part))
  await requireDurableRedis(redis)

  const keys = redisKeys(network.logId)
  const records = createRecords({ redis, keys })
  const chains = new Map<number, Chain>()
  const heads = new Map<number, Heads>()
  for (const described of network.chains) {
    const chain = openChain(described, (name, method, status) =>
      metrics.requests.inc({ chain: name, method, status }),
    )
    chains.set(chain.chainId, chain)
    heads.set(chain.chainId, followHeads({ chain, pollMs, onError: onError('heads') }))
  }
  const headsOf = (chainId: number): Heads => {
    const found = heads.get(chainId)
    if (found === undefined) throw new Error(`no heads of chain ${chainId}`)
    return found
  }
  const destinations = [...chains.keys()]
  const queues = openQueues({
    connection: jobs,
    prefix: keys.queues,
    destinations,
    onError: onError('queues'),
  })
  const checkpoints = openCheckpoints({
    endpoints: network.validators.map(({ chainId, address, url }) => ({
      chainId,
      address: address as Address,
      url,
    })),
    onError: onError('checkpoints'),
  })
  const resolver = createResolver(checkpoints)
  const onDelivered = (record: MessageRecord) => void observe({ metrics, chains, records }, record)

  const ledgers = new Map(
    [...chains.values()].map(({ chainId }) => {
      const stores = SIGNER_LANES.map((lane) => {
        const signer = signers[lane].address
        return [lane, openLedgerStore({ redis, keys, chainId, signer })] as const
      })
      return [chainId, new Map(stores)] as const
    }),
  )
  const ledgerOf = (chainId: number, lane: SignerLane) => {
    const store = ledgers.get(chainId)?.get(lane)
    if (store === undefined) throw new Error(`no ledger of ${lane} on ${chainId}`)
    return store
  }

  const shared = { redis, keys, records, queues, metrics, log, faultpoint }
  const all = [...chains.values()]
  const lanes = all.flatMap((chain) =>
    SIGNER_LANES.map((lane) =>
      startLane({
        ...shared,
        chain,
        lane,
        signer: signers[lane],
        heads: headsOf(chain.chainId),
        store: ledgerOf(chain.chainId, lane),
        ledgerPolicy: ledgerPolicyOf(chain),
        feePolicy: FEE_POLICY[lane],
        onDelivered,
      }),
    ),
  )
  const workers = all.flatMap((chain) => {
    const prepareErrors = onError('prepare')
    const confirmErrors = onError('confirm')
    const own = { chain, heads: headsOf(chain.chainId), records, queues }
    const stores = ledgers.get(chain.chainId) ?? new Map()
    return [
      startPreparing({ ...shared, chain, chains, heads, resolver, checkpoints, onError: prepareErrors }),
      startConfirming({ ...own, ledgers: stores, onError: confirmErrors }),
    ]
  })
  const indexers = all.map((chain) => {
    const trust = { senders: chain.contracts, logId: network.logId }
    const intake = createIntake({ ...shared, chain, destinations: new Set(destinations), trust })
    const indexer = startIndexer({ ...shared, chain, heads: headsOf(chain.chainId), intake })
    return { chain, indexer }
  })
  const janitor = startJanitor({ ...shared, ledgerOf, keep: KEEP_FINISHED })

  const readiness = async () => {
    const reasons: string[] = []
    await probe.ping().catch((error: Error) => reasons.push(`redis: ${error.message}`))
    for (const { chain, indexer } of indexers) {
      const silentMs = headsOf(chain.chainId).silentMs()
      if (silentMs > SILENT_MS_MAX) reasons.push(`${chain.name}: no answer for ${Math.round(silentMs)} ms`)
      const trouble = indexer.trouble()
      if (trouble !== undefined) reasons.push(`${chain.name}: ${trouble}`)
    }
    for (const { chainId, lane, held } of lanes.map((one) => one.state())) {
      if (held !== undefined) reasons.push(`lane ${lane} on ${chainId}: ${held}`)
    }
    return { ready: reasons.length === 0, reasons }
  }
  const server = await serveHealth({
    registry,
    readiness,
    port,
    mount: (app) =>
      mountApi(app, {
        records: createRecords({ redis: probe, keys }),
        chains,
        lanes: () => lanes.map((one) => one.state()),
        explain: async (record) => {
          const origin = chains.get(record.origin)
          const destination = chains.get(record.destination)
          if (origin === undefined || destination === undefined) return undefined
          const leaf = await probe.hget(keys.leaves(record.origin), record.id)
          const leafIndex = leaf === null ? undefined : Number(leaf)
          return (await resolver.resolve({ record, origin, destination, leafIndex })).ism
        },
      }),
  })
  const sampling = setInterval(() => {
    void sample({ metrics, heads, chains, queues, signers }).catch(onError('metrics'))
  }, SAMPLE_MS)

  const stop = async () => {
    clearInterval(sampling)
    await server.close()
    await Promise.all([
      ...indexers.map(({ indexer }) => indexer.stop()),
      ...lanes.map((lane) => lane.stop()),
      ...workers.map((worker) => worker.stop()),
      janitor.stop(),
    ])
    checkpoints.stop()
    for (const one of heads.values()) one.stop()
    await queues.close()
    for (const connection of [redis, jobs, probe]) connection.disconnect()
  }
  return { url: server.url, stop }
}

async function observe(
  {
    metrics,
    chains,
    records,
  }: { metrics: Metrics; chains: ReadonlyMap<number, Chain>; records: ReturnType<typeof createRecords> },
  record: MessageRecord,
): Promise<void> {
  const origin = chains.get(record.origin)?.name ?? `${record.origin}`
  const remote = chains.get(record.destination)?.name ?? `${record.destination}`
  metrics.processed.inc({ origin, remote })
  metrics.operations.inc({ phase: 'confirmed', chain: remote })
  const ageMs = await records.ageMs(record.id).catch(() => undefined)
  if (ageMs !== undefined) metrics.delivered.observe({ origin, remote, class: record.class }, ageMs / 1000)
}

async function sample({
  metrics,
  heads,
  chains,
  queues,
  signers,
}: {
  metrics: Metrics
  heads: ReadonlyMap<number, Heads>
  chains: ReadonlyMap<number, Chain>
  queues: ReturnType<typeof openQueues>
  signers: RelayerOptions['signers']
}): Promise<void> {
  for (const [chainId, { latest }] of heads) {
    const chain = chains.get(chainId)?.name ?? `${chainId}`
    const head = latest()
    if (head !== undefined) metrics.blockHeight.set({ agent: 'relayer', chain }, head.number)
  }
  for (const [name, length] of await queues.lengths()) {
    const [stage = '', chainId = '', group = ''] = name.split('.')
    const remote = chains.get(Number(chainId))?.name ?? chainId
    metrics.queueLength.set(
      { queue_name: `${stage}_queue`, remote, app_context: group, operation_status: 'all' },
      length,
    )
  }
  for (const chain of chains.values()) {
    for (const lane of SIGNER_LANES) {
      const { address } = signers[lane]
      const wei = BigInt(await chain.rpc.call<string>('eth_getBalance', [address, 'latest']))
      const labels = { wallet_address: address, wallet_name: `relayer-${lane}`, token_address: 'none' }
      const token = { token_symbol: 'Native', token_name: 'Native' }
      metrics.walletBalance.set({ chain: chain.name, ...labels, ...token }, Number(wei / 10n ** 9n) / 1e9)
    }
  }
}
