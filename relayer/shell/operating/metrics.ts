import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** The relayer's metrics: Hyperlane's names where Hyperlane has them, `tandem_relayer_…` besides. */
export type Metrics = ReturnType<typeof createMetrics>

/** Registers the relayer's metrics. */
export function createMetrics(registry: Registry) {
  return {
    ...hyperlaneMetrics(registry),
    ...ownMetrics(registry),
    ...stateMetrics(registry),
    ...providerMetrics(registry),
    ...earlyMetrics(registry),
  }
}

function makers(registry: Registry) {
  const registers = [registry]
  return {
    counter: <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Counter({ name, help, labelNames, registers }),
    gauge: <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Gauge({ name, help, labelNames, registers }),
  }
}

function hyperlaneMetrics(registry: Registry) {
  const { counter, gauge } = makers(registry)
  const wallet = [
    'wallet_address',
    'wallet_name',
    'token_address',
    'token_symbol',
    'token_name',
  ] as const
  const queue = ['queue_name', 'remote', 'app_context', 'operation_status'] as const
  const cursor = ['event_type', 'chain', 'cursor_type'] as const
  return {
    processed: counter('hyperlane_messages_processed_count', 'Messages delivered by this relayer', [
      'origin',
      'remote',
    ]),
    operations: counter(
      'hyperlane_operations_processed_count',
      'Operations by the phase they reached',
      ['phase', 'chain'],
    ),
    queueLength: gauge(
      'hyperlane_submitter_queue_length',
      'Operations that wait in a queue',
      queue,
    ),
    blockHeight: gauge('hyperlane_block_height', 'Head of a chain', ['agent', 'chain']),
    syncBlock: gauge(
      'hyperlane_contract_sync_block_height',
      'Block up to which a chain was searched',
      ['data_type', 'chain'],
    ),
    syncLiveness: gauge(
      'hyperlane_contract_sync_liveness',
      'Second at which a chain was searched last',
      ['data_type', 'chain'],
    ),
    cursorBlock: gauge('hyperlane_cursor_current_block', 'Next block that is searched', cursor),
    cursorSequence: gauge('hyperlane_cursor_max_sequence', 'Messages that the origin has sent', [
      'event_type',
      'chain',
    ]),
    walletBalance: gauge('hyperlane_wallet_balance', 'Balance of a signer in whole native coins', [
      'chain',
      ...wallet,
    ]),
    requests: counter('hyperlane_request_count', 'JSON-RPC requests', [
      'chain',
      'method',
      'status',
    ]),
    metadataBuilds: counter('hyperlane_metadata_build_count', 'Attempts to build metadata', [
      'origin',
      'remote',
      'status',
    ]),
  }
}

function ownMetrics(registry: Registry) {
  const { counter, gauge } = makers(registry)
  const lane = ['chain', 'lane'] as const
  return {
    logGaps: counter('tandem_relayer_log_gaps_total', 'Searches in which dispatches were missing', [
      'chain',
    ]),
    reorgs: counter('tandem_relayer_reorgs_total', 'Reorganisations of a chain that were undone', [
      'chain',
    ]),
    unreadable: counter(
      'tandem_relayer_unreadable_messages_total',
      'Dispatches that are no message',
      ['chain'],
    ),
    stages: gauge('tandem_relayer_messages', 'Messages by stage', ['stage']),
    lanePending: gauge(
      'tandem_relayer_lane_pending',
      'Transactions under way in a signer lane',
      lane,
    ),
    nonceFills: counter(
      'tandem_relayer_nonce_fills_total',
      'Nonces used by a transaction to ourselves',
      lane,
    ),
    deadLetters: counter(
      'tandem_relayer_dead_letters_total',
      'Messages put aside by the rule that did it',
      ['chain', 'reason'],
    ),
    bumps: counter(
      'tandem_relayer_fee_bumps_total',
      'Transactions that were replaced at a higher fee',
      lane,
    ),
    relisted: counter(
      'tandem_relayer_relisted_total',
      'Messages that had got lost from their list of work',
      [],
    ),
    failures: counter('tandem_relayer_failures_total', 'Failures by the part that met them', [
      'part',
    ]),
    delivered: new Histogram({
      name: 'tandem_relayer_delivery_seconds',
      help: 'From the first sight of a dispatch to its delivery in a block',
      labelNames: ['origin', 'remote', 'class'] as const,
      buckets: [0.05, 0.1, 0.15, 0.3, 0.5, 1, 2, 3, 6, 15, 60],
      registers: [registry],
    }),
  }
}

/** What an operator is woken for. */
function stateMetrics(registry: Registry) {
  const { counter, gauge } = makers(registry)
  const lane = ['chain', 'lane'] as const
  return {
    laneHeld: gauge(
      'tandem_relayer_lane_held',
      '1 while a signer lane that this process owns may not send: fee cap, no money, chain gone',
      lane,
    ),
    runway: gauge(
      'tandem_relayer_wallet_runway_seconds',
      'How long a signer can pay at the rate of the last minutes; at most a year',
      lane,
    ),
    ready: gauge('tandem_relayer_ready', '1 while messages make progress, as /readyz says', []),
    oldest: gauge(
      'tandem_relayer_oldest_seconds',
      'How long the message that is longest in a stage has been there',
      ['stage'],
    ),
    equivocations: counter(
      'tandem_relayer_equivocations_total',
      'Leaves for which a validator signed two different roots or messages',
      ['origin', 'validator'],
    ),
  }
}

function providerMetrics(registry: Registry) {
  const { counter, gauge } = makers(registry)
  const provider = ['chain', 'provider'] as const
  return {
    providerFaults: counter(
      'tandem_relayer_provider_faults_total',
      'Requests that a provider did not answer',
      ['chain', 'provider', 'kind'],
    ),
    providerScore: gauge(
      'tandem_relayer_provider_score',
      'Share of requests that a provider answers, the latest most',
      provider,
    ),
    providerLag: gauge(
      'tandem_relayer_provider_lag_blocks',
      'Blocks that a provider is behind the others',
      provider,
    ),
    providerAvoided: gauge(
      'tandem_relayer_provider_avoided',
      '1 while a provider is asked last: it fails, is behind, or was caught leaving out',
      provider,
    ),
    disagreements: counter(
      'tandem_relayer_provider_disagreements_total',
      'Times that providers told different dispatches of the same blocks',
      ['chain'],
    ),
  }
}

/** What chains took on the sequencer's word. */
function earlyMetrics(registry: Registry) {
  const { counter, gauge } = makers(registry)
  return {
    earlyOpen: gauge(
      'tandem_relayer_early_messages',
      'Messages accepted on the sequencer’s word and not confirmed',
      ['chain'],
    ),
    earlyCap: gauge(
      'tandem_relayer_early_cap_dollars',
      'Most value that a route takes on the sequencer’s word',
      ['chain', 'origin'],
    ),
    earlyUsed: gauge(
      'tandem_relayer_early_unconfirmed_dollars',
      'Value that a route took on the sequencer’s word and that is not confirmed',
      ['chain', 'origin'],
    ),
    forgeries: counter(
      'tandem_relayer_forged_messages_total',
      'Messages that the sequencer delivered and nobody sent',
      ['chain', 'origin'],
    ),
  }
}
