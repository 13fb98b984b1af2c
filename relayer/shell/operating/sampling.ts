import { SIGNER_LANES, type SignerLane } from '../../core/class.ts'
import { nextRunway, runwayS, type Runway } from '../../core/runway.ts'
import { listsOf } from '../../core/work.ts'
import type { MessageRecord } from '../../core/stages.ts'
import type { Chain } from '../chains/chains.ts'
import type { Heads } from '../chains/heads.ts'
import type { LaneState } from '../submitting/lane.ts'
import type { Metrics } from './metrics.ts'
import type { Records } from '../redis/records.ts'
import type { Signer } from '../submitting/signer.ts'
import type { Work } from '../redis/work.ts'

const SAMPLE_MS = 2_000
const WEI_PER_GWEI = 10n ** 9n
const GWEI_PER_COIN = 1e9

/** What is sampled: heads, queues and balances. */
export type SamplingContext = {
  metrics: Metrics
  sites: ReadonlyMap<number, { chain: Chain; heads: Heads }>
  work: Work
  signers: Readonly<Record<SignerLane, Signer>>
  /** Lanes as this process sees them. */
  lanes: () => readonly Pick<LaneState, 'chainId' | 'lane' | 'owned' | 'held'>[]
  readiness: () => Promise<{ ready: boolean }>
  onError: (error: unknown) => void
}

/** Counts a delivery of ours and how long it took since the message was first seen. */
export async function observeDelivery(
  context: { metrics: Metrics; chains: ReadonlyMap<number, Chain>; records: Records },
  record: MessageRecord,
): Promise<void> {
  const { metrics, chains, records } = context
  const origin = chains.get(record.origin)?.name ?? `${record.origin}`
  const remote = chains.get(record.destination)?.name ?? `${record.destination}`
  metrics.processed.inc({ origin, remote })
  metrics.operations.inc({ phase: 'confirmed', chain: remote })
  // A figure less when Redis is away; the count above stands.
  const ageMs = await records.ageMs(record.id).catch(() => undefined)
  if (ageMs === undefined) return
  metrics.delivered.observe({ origin, remote, class: record.class }, ageMs / 1000)
}

/** Samples now and then what no event tells. */
export function startSampling(context: SamplingContext): { stop: () => void } {
  const runways = new Map<string, Runway>()
  const timer = setInterval(() => {
    sample(context, runways).catch(context.onError)
    context.readiness().then(({ ready }) => {
      context.metrics.ready.set(ready ? 1 : 0)
    }, context.onError)
  }, SAMPLE_MS)
  return { stop: () => clearInterval(timer) }
}

async function sample(
  { metrics, sites, work, signers, lanes }: SamplingContext,
  runways: Map<string, Runway>,
): Promise<void> {
  for (const { chainId, lane, owned, held } of lanes()) {
    const chain = sites.get(chainId)?.chain.name ?? `${chainId}`
    metrics.laneHeld.set({ chain, lane }, owned && held !== undefined ? 1 : 0)
  }
  const destinations = [...sites.keys()]
  for (const { chain, heads } of sites.values()) {
    const head = heads.latest()
    if (head !== undefined)
      metrics.blockHeight.set({ agent: 'relayer', chain: chain.name }, head.number)
    for (const { name, score, lagBlocks, avoided } of chain.providers.states()) {
      const labels = { chain: chain.name, provider: name }
      metrics.providerScore.set(labels, score)
      metrics.providerLag.set(labels, lagBlocks)
      metrics.providerAvoided.set(labels, avoided === 'no' ? 0 : 1)
    }
  }
  for (const [name, length] of await work.lengths(destinations.flatMap(listsOf))) {
    const [stage = '', chainId = '', group = ''] = name.split('.')
    const remote = sites.get(Number(chainId))?.chain.name ?? chainId
    const labels = { queue_name: `${stage}_queue`, remote, app_context: group }
    metrics.queueLength.set({ ...labels, operation_status: 'all' }, length)
  }
  for (const { chain } of sites.values()) {
    for (const lane of SIGNER_LANES) {
      const wei = await sampleBalance(metrics, chain, { lane, signer: signers[lane] })
      const key = `${chain.name}:${lane}`
      const runway = nextRunway(runways.get(key), { wei, atMs: performance.now() })
      runways.set(key, runway)
      metrics.runway.set({ chain: chain.name, lane }, runwayS(runway))
    }
  }
}

async function sampleBalance(
  metrics: Metrics,
  { name: chain, rpc }: Chain,
  { lane, signer }: { lane: SignerLane; signer: Signer },
): Promise<bigint> {
  const wei = BigInt(await rpc.call<string>('eth_getBalance', [signer.address, 'latest']))
  const wallet = { wallet_address: signer.address, wallet_name: `relayer-${lane}` }
  const token = { token_address: 'none', token_symbol: 'Native', token_name: 'Native' }
  metrics.walletBalance.set(
    { chain, ...wallet, ...token },
    Number(wei / WEI_PER_GWEI) / GWEI_PER_COIN,
  )
  return wei
}
