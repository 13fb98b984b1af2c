import type { LocalChain } from '../../sdk/protocol/chains.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { ChainChange } from './chain-change.ts'
import { claimNetwork } from './claim.ts'
import { createDirectories, layoutOf, type Layout } from './layout.ts'
import { requireFreePorts } from './port-plan.ts'
import { planFor, prepareNetwork, type Prepared } from './prepare.ts'
import type { Reporter } from './report.ts'
import { networkStages, PROGRAMS, type Programs } from './services.ts'
import { showStatus } from './status-line.ts'
import { endLeftovers, Supervisor } from './supervisor/supervisor.ts'
import type { ServiceEvent } from './supervisor/supervised.ts'

/** How `tandem network up` was called. */
export type UpOptions = {
  directory: string
  fresh: boolean
  /** Sequenced rollups besides the hub. */
  rollups?: number | undefined
  /** Rollups with another chain id or base fee. */
  changes?: readonly ChainChange[] | undefined
  portBase?: number | undefined
  /** Programs to run in place of the network's own. */
  programs?: Programs | undefined
}

/** What is done with a network that runs, before it is stopped; gives the exit code. */
export type Duty = (running: {
  network: Network
  layout: Layout
  signal: AbortSignal
}) => Promise<number>

/**
 * Brings a network up, does a duty with it, and stops it, whatever happens in between.
 *
 * @param signal - Aborts when the user wants it stopped.
 * @returns The duty's exit code; 0 when it was stopped before.
 */
export async function withNetwork(
  options: UpOptions & { signal: AbortSignal; reporter: Reporter },
  duty: Duty,
): Promise<number> {
  const { directory, signal, reporter } = options
  const layout = layoutOf(directory)
  createDirectories(layout)
  const release = claimNetwork(layout)
  try {
    await endLeftovers(layout.pidFile)
    const plan = planFor({ layout, ...options })
    await requireFreePorts(plan.ports, nameIn(plan.chains))
    const prepared = prepareNetwork({ layout, ...options })
    return await supervise(layout, prepared, options, duty)
  } finally {
    release()
    reporter.status('')
    if (signal.aborted) reporter.say('Stopped.')
  }
}

async function supervise(
  layout: Layout,
  { network, chains, ports, first, outdated }: Prepared,
  options: UpOptions & { signal: AbortSignal; reporter: Reporter },
  duty: Duty,
): Promise<number> {
  const { signal, reporter, programs = PROGRAMS } = options
  const report = (event: ServiceEvent) => reporter.say(sentenceOf(event))
  const trouble = (name: string, error: unknown) =>
    reporter.say(`! ${name}: ${(error as Error).message}`)
  const stages = networkStages({ layout, chains, ports, programs, trouble })
  const { logs, pidFile } = layout
  const supervisor = new Supervisor(stages, { logs, pidFile, report })
  const stop = () => {
    reporter.status('Stopping…')
    void supervisor.stop()
  }
  signal.addEventListener('abort', stop)
  try {
    if (signal.aborted) return 0
    if (outdated) {
      reporter.say(
        '! This network began with other contracts than this version has: see `--fresh`.',
      )
    }
    reporter.say(first ? `New network in ${layout.root}` : `Resuming the network in ${layout.root}`)
    await supervisor.start((title, start) => reporter.step(title, start))
    const code = await duty({ network, layout, signal })
    return signal.aborted ? 0 : code
  } catch (error) {
    // Services that are being stopped fail in their own ways; the order to stop is the reason.
    if (signal.aborted) return 0
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    await supervisor.stop()
  }
}

/** Keeps the network running until the user stops it, showing how far its chains are. */
export function stayUp(reporter: Reporter): Duty {
  return async ({ network, layout, signal }) => {
    await seed(network, reporter)
    if (signal.aborted) return 0
    for (const line of summaryOf(network, layout)) reporter.say(line)
    await showStatus({ network, reporter, signal })
    return 0
  }
}

/** A network without liquidity still runs; the next start tries again. */
async function seed(network: Network, reporter: Reporter): Promise<void> {
  const { seedNetwork } = await import('../seed/seed.ts')
  try {
    await reporter.step('liquidity and cash of the local actors', () => seedNetwork(network))
  } catch (error) {
    reporter.say(`! no liquidity: ${(error as Error).message}`)
  }
}

function summaryOf({ chains, sequencer, relayer, publisher }: Network, layout: Layout): string[] {
  return [
    '',
    'The network is up.',
    `  gateway         ${sequencer.rpcUrl}`,
    ...chains.map(({ name, rpcUrl }) => `  ${name.padEnd(15)} ${rpcUrl}`),
    `  relayer         ${relayer.url}`,
    `  mark publisher  ${publisher.url}`,
    `  description     ${layout.networkFile}`,
    `  logs            ${layout.logs}`,
    'Ctrl-C stops it; the next start goes on from here, `--fresh` begins anew.',
    '',
  ]
}

function nameIn(chains: readonly LocalChain[]): (chainId: number) => string {
  return (chainId) => chains.find((chain) => chain.chainId === chainId)?.name ?? `${chainId}`
}

function sentenceOf(event: ServiceEvent): string {
  const { name } = event
  if (event.type === 'back') return `✓ ${name} is back`
  if (event.type === 'killed') return `! ${name} did not stop in time and was ended`
  if (event.type === 'refused') return `✗ ${name} refuses to start, see ${event.logFile}`
  return `! ${name} ${event.how}; starting again in ${event.againInMs} ms`
}
