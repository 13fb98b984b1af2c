import type { Readiness } from '../../../sdk/process/health.ts'
import type { Engine } from './engine.ts'

/** Heartbeats without a durable slot after which the sequencer is not ready. */
const missedHeartbeats = 5

/** Ready means that slots advance and the rollups keep up. */
export function readinessOf({ state, options, closed }: Engine, elapsedMs: number): Readiness {
  const reasons: string[] = []
  if (closed !== undefined) reasons.push(closed)
  const silentMs = elapsedMs - (state.slotAtMs ?? 0)
  if (silentMs > options.config.heartbeatMs * missedHeartbeats) {
    reasons.push(`no slot for ${silentMs} ms`)
  }
  const { phase, number, openedAtMs } = state.superblock
  const openMs = elapsedMs - openedAtMs
  const slow = openMs > options.config.superblockMs + options.config.heartbeatMs * missedHeartbeats
  if (slow && (phase === 'sealing' || phase === 'publishing')) {
    reasons.push(`superblock ${number} is not published after ${Math.round(openMs)} ms`)
  }
  for (const [chainId, reason] of state.stopped) reasons.push(`chain ${chainId} stopped: ${reason}`)
  return { ready: reasons.length === 0, reasons }
}
