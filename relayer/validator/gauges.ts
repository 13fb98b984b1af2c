import { Counter, Gauge, type Registry } from 'prom-client'

/** Registers a validator's metrics, by Hyperlane's names; gives what sets them. */
export function validatorGauges(registry: Registry, chain: string) {
  const registers = [registry]
  const latest = new Gauge({
    name: 'hyperlane_latest_checkpoint',
    help: 'Highest leaf index by phase',
    labelNames: ['agent', 'phase', 'chain'] as const,
    registers,
  })
  const height = new Gauge({
    name: 'hyperlane_block_height',
    help: 'Head of the chain',
    labelNames: ['agent', 'chain'] as const,
    registers,
  })
  const mismatch = new Gauge({
    name: 'hyperlane_merkle_root_mismatch',
    help: '1 when the tree differs from the chain and signing stopped',
    labelNames: ['chain'] as const,
    registers,
  })
  return (state: {
    height: number
    leaves: number
    signed: number
    halted: string | undefined
  }) => {
    height.set({ agent: 'validator', chain }, state.height)
    latest.set({ agent: 'validator', phase: 'validator_observed', chain }, state.leaves - 1)
    latest.set({ agent: 'validator', phase: 'validator_processed', chain }, state.signed - 1)
    mismatch.set({ chain }, state.halted === undefined ? 0 : 1)
  }
}

/** Counts roots that providers contradict each other on. */
export function disagreementCounter(registry: Registry): Counter<'chain'> {
  return new Counter({
    name: 'tandem_validator_provider_disagreements_total',
    help: 'Times that providers gave different roots of the same block',
    labelNames: ['chain'] as const,
    registers: [registry],
  })
}
