import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { SequencerPort } from '../port.ts'
import type { BlockTags } from '../posting/tags.ts'

/** What the gateway counts, and its door: requests beyond the limit are turned away. */
export type GatewayMetrics = {
  /** Takes a place among the requests under way; undefined when there is none. */
  begin: () => (() => void) | undefined
  count: (endpoint: string, method: string, outcome: string) => void
  observe: (method: string, seconds: number) => void
}

/** Makes the gateway's metrics in a registry. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const requests = new Counter({
    name: 'tandem_gateway_requests_total',
    help: 'JSON-RPC requests by endpoint, method and outcome.',
    labelNames: ['endpoint', 'method', 'outcome'] as const,
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'tandem_gateway_request_seconds',
    help: 'Time from a request to its answer.',
    labelNames: ['method'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  })
  let underWay = 0
  new Gauge({
    name: 'tandem_gateway_requests_in_flight',
    help: 'JSON-RPC requests that wait for their answer.',
    registers: [registry],
    collect() {
      this.set(underWay)
    },
  })
  return {
    begin: () => {
      if (underWay >= LIMITS.rpcInFlight) return undefined
      underWay++
      return () => {
        underWay--
      }
    },
    count: (endpoint, method, outcome) => requests.inc({ endpoint, method, outcome }),
    observe: (method, elapsed) => seconds.observe({ method }, elapsed),
  }
}

/** Counts the open WebSocket connections, and the readers of the slot feed among them. */
export function watchSockets(
  registry: Registry,
  sockets: { connections: () => number; feed?: { readers: () => number } | undefined },
): void {
  const registers = [registry]
  new Gauge({
    name: 'tandem_gateway_websockets',
    help: 'Open WebSocket connections.',
    registers,
    collect() {
      this.set(sockets.connections())
    },
  })
  new Gauge({
    name: 'tandem_gateway_feed_readers',
    help: 'Readers of the slot feed.',
    registers,
    collect() {
      this.set(sockets.feed?.readers() ?? 0)
    },
  })
}

/** Shows how far the sequencer is: read when somebody asks, so that nothing is counted twice. */
export function watchSequencer(
  registry: Registry,
  watched: { sequencer: Pick<SequencerPort, 'status'>; tags?: BlockTags | undefined },
): void {
  const { sequencer, tags } = watched
  const number = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name, help },
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  number('tandem_slot_height', 'Height of the last durable slot.', () =>
    Number(sequencer.status().slot),
  )
  number(
    'tandem_slot_timestamp_seconds',
    'Time of the last slot, seconds since 1970.',
    () => sequencer.status().slotTimestampMs / 1_000,
  )
  number('tandem_superblock', 'Last published superblock.', () => sequencer.status().superblock)
  number(
    'tandem_entries_queued',
    'Entries that will be tried in a slot to come.',
    () => sequencer.status().queued,
  )
  number(
    'tandem_entries_held',
    'Entries that wait for a nonce, a slot, a time or funds.',
    () => sequencer.status().held,
  )
  new Gauge({
    name: 'tandem_block_number',
    help: 'Last block of a rollup by tag: latest, safe, finalized.',
    labelNames: ['chain', 'tag'] as const,
    registers: [registry],
    collect() {
      for (const { chainId, number: head } of sequencer.status().heads) {
        const chain = String(chainId)
        this.set({ chain, tag: 'latest' }, head)
        if (tags === undefined) continue
        this.set({ chain, tag: 'safe' }, Math.min(head, tags.safe(chainId)))
        this.set({ chain, tag: 'finalized' }, Math.min(head, tags.finalized(chainId)))
      }
    },
  })
}
