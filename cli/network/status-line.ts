import { setTimeout as delay } from 'node:timers/promises'
import type { Network, NetworkChain } from '../../sdk/protocol/network.ts'
import { nodeRpc } from './anvil/rpc.ts'
import type { Reporter } from './report.ts'

const refreshMs = 1_000
const answerTimeoutMs = 2_000

/** Shows the height of every chain until the signal aborts. */
export async function showStatus(options: {
  network: Network
  reporter: Reporter
  signal: AbortSignal
}): Promise<void> {
  const { network, reporter, signal } = options
  const startMs = Date.now()
  while (!signal.aborted) {
    const heights = await Promise.all(network.chains.map(heightOf))
    if (signal.aborted) return
    reporter.status(`up ${elapsed(Date.now() - startMs)}  ${heights.join('  ')}`)
    await delay(refreshMs, undefined, { signal }).catch(() => undefined)
  }
}

/** Gives a chain's name and height; `?` while it does not answer. */
export async function heightOf({ name, rpcUrl }: NetworkChain): Promise<string> {
  try {
    const height = await nodeRpc(rpcUrl, answerTimeoutMs)<string>('eth_blockNumber')
    return `${name} ${Number(height)}`
  } catch {
    return `${name} ?`
  }
}

function elapsed(ms: number): string {
  const s = Math.floor(ms / 1_000)
  const minutes = Math.floor(s / 60) % 60
  return [Math.floor(s / 3_600), minutes, s % 60].map((n) => `${n}`.padStart(2, '0')).join(':')
}
