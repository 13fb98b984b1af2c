import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { LIMITS } from '../../../sdk/protocol/limits.ts'

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
