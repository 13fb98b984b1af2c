import { Counter, Gauge, type Registry } from 'prom-client'
import type { Logger } from '../../../sdk/process/log.ts'
import type { PosterEvent } from './poster.ts'
import type { SettlementEvent } from './settlement.ts'

/** Turns what happens between the log and `l1` into logs and metrics. */
export function createPostingObserver(
  log: Logger,
  registry: Registry,
): (event: PosterEvent | SettlementEvent) => void {
  const metrics = createMetrics(registry)
  let reachable = true
  return (event) => {
    const { type: _type, ...values } = event
    switch (event.type) {
      case 'sent':
        metrics.batches.inc()
        metrics.bytes.inc(event.bytes)
        log.debug(values, 'batch sent to l1')
        return
      case 'refused':
        metrics.refused.inc()
        log.warn(values, 'batch was not taken by l1')
        return
      case 'unreachable':
        // One line per loss, not one per look.
        if (reachable) log.warn(values, 'l1 cannot be reached')
        reachable = false
        return
      case 'moved':
        if (!reachable) log.info(values, 'l1 is reached again')
        reachable = true
        metrics.slots.set({ state: 'posted' }, event.posted)
        metrics.slots.set({ state: 'final' }, event.final)
        metrics.origin.set(event.origin)
        log.debug(values, 'slots posted')
    }
  }
}

function createMetrics(registry: Registry) {
  const registers = [registry]
  return {
    batches: new Counter({
      name: 'tandem_l1_batches_total',
      help: 'Batches of slots sent to l1.',
      registers,
    }),
    bytes: new Counter({
      name: 'tandem_l1_data_bytes_total',
      help: 'Bytes of packed slots sent to l1.',
      registers,
    }),
    refused: new Counter({
      name: 'tandem_l1_refused_total',
      help: 'Batches that l1 did not take.',
      registers,
    }),
    slots: new Gauge({
      name: 'tandem_l1_slot',
      help: 'Last slot on l1: posted, and posted in a final block.',
      labelNames: ['state'] as const,
      registers,
    }),
    origin: new Gauge({
      name: 'tandem_l1_origin_block',
      help: 'Block of l1 that the log named last.',
      registers,
    }),
  }
}
