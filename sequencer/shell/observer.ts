import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Logger } from '../../sdk/process/log.ts'
import type { DriverAlert } from './drivers/alert.ts'
import type { EngineEvent } from './engine/options.ts'

/** Turns what happens in the sequencer into logs and metrics. */
export type Observer = {
  engine: (event: EngineEvent) => void
  driver: (alert: DriverAlert) => void
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Makes the observer of one process. */
export function createObserver(log: Logger, registry: Registry): Observer {
  const metrics = createMetrics(registry)
  return {
    engine: (event) => {
      count(metrics, event)
      tell(log, event)
    },
    driver: (alert) => {
      metrics.alerts.inc({ kind: alert.kind, chain: String(alert.chainId) })
      log.warn({ alert }, 'driver alert')
    },
  }
}

function createMetrics(registry: Registry) {
  const registers = [registry]
  return {
    slots: new Counter({ name: 'tandem_slots_total', help: 'Slots in the log.', registers }),
    entries: new Counter({ name: 'tandem_entries_total', help: 'Entries in the log.', registers }),
    recordBytes: new Counter({
      name: 'tandem_log_bytes_total',
      help: 'Bytes of records appended to the log.',
      registers,
    }),
    durable: new Histogram({
      name: 'tandem_slot_durable_seconds',
      help: 'Time from a formed slot to its durable record.',
      buckets,
      registers,
    }),
    superblocks: new Histogram({
      name: 'tandem_superblock_seconds',
      help: 'Time from the opening of a superblock to its publication.',
      buckets,
      registers,
    }),
    points: new Histogram({
      name: 'tandem_recovery_point_seconds',
      help: 'Time that it took to write a recovery point.',
      buckets,
      registers,
    }),
    pointFailures: new Counter({
      name: 'tandem_recovery_point_failures_total',
      help: 'Recovery points that could not be written.',
      registers,
    }),
    refused: new Counter({
      name: 'tandem_refused_total',
      help: 'Entries refused, by error.',
      labelNames: ['error'] as const,
      registers,
    }),
    differences: new Counter({
      name: 'tandem_differences_total',
      help: 'Blocks that did something else than their slots promised.',
      labelNames: ['chain'] as const,
      registers,
    }),
    stopped: new Gauge({
      name: 'tandem_chain_stopped',
      help: '1 for a rollup that stopped.',
      labelNames: ['chain'] as const,
      registers,
    }),
    alerts: new Counter({
      name: 'tandem_driver_alerts_total',
      help: 'Alerts of the drivers, by kind.',
      labelNames: ['kind', 'chain'] as const,
      registers,
    }),
  }
}

function count(metrics: ReturnType<typeof createMetrics>, event: EngineEvent): void {
  switch (event.type) {
    case 'slot':
      metrics.slots.inc()
      metrics.entries.inc(event.slot.entries.length)
      metrics.recordBytes.inc(event.recordBytes)
      metrics.durable.observe(event.durableMs / 1000)
      return
    case 'superblock':
      metrics.superblocks.observe(event.closedMs / 1000)
      return
    case 'refused':
      metrics.refused.inc({ error: event.error })
      return
    case 'difference':
      metrics.differences.inc({ chain: String(event.chainId) })
      return
    case 'stopped':
      metrics.stopped.set({ chain: String(event.chainId) }, 1)
      return
    case 'resumed':
      metrics.stopped.set({ chain: String(event.chainId) }, 0)
      return
    case 'nodeLost':
    case 'nodeRestored':
    case 'pointSkipped':
    case 'replayed':
      return
    case 'point':
      metrics.points.observe(event.elapsedMs / 1000)
      return
    case 'pointFailed':
      metrics.pointFailures.inc()
  }
}

function tell(log: Logger, event: EngineEvent): void {
  const { type, ...values } = event
  switch (type) {
    case 'slot': {
      const { slot, recordBytes, durableMs } = event
      const { height, superblock, entries } = slot
      log.debug(
        { height, superblock, entries: entries.length, recordBytes, durableMs },
        'slot durable',
      )
      return
    }
    case 'superblock':
      log.debug(values, 'superblock published')
      return
    case 'refused':
      log.debug(values, 'entry refused')
      return
    case 'difference':
      log.error(values, 'block differs from what was promised')
      return
    case 'stopped':
      log.error(values, 'rollup stopped')
      return
    case 'resumed':
      log.info(values, 'rollup goes on')
      return
    case 'nodeLost':
      log.warn(values, 'node lost')
      return
    case 'nodeRestored':
      log.info(values, 'node restored')
      return
    case 'point':
      log.info(values, 'recovery point written')
      return
    case 'pointFailed':
      log.error(values, 'recovery point failed')
      return
    case 'pointSkipped':
      log.warn(values, 'recovery point cannot be used')
      return
    case 'replayed':
      log.info(values, 'log replayed')
  }
}
