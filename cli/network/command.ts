import { Command, InvalidArgumentError } from 'commander'
import { readChainChange, type ChainChange } from './chain-change.ts'
import { downCommand } from './down.ts'
import { genesisCommand } from './genesis/command.ts'
import { logsCommand } from './logs.ts'
import { registryCommand } from './registry.ts'
import { createReporter } from './report.ts'
import { statusCommand } from './status.ts'

/** Where a network lives unless said otherwise, from the working directory. */
export const DIRECTORY_DEFAULT = '.tandem'

type UpFlags = {
  dir: string
  fresh: boolean
  once: boolean
  keep: boolean
  chains?: number
  chain?: ChainChange[]
  portBase?: number
}

/** Makes `tandem network …`. */
export function createCommand(): Command {
  const command = new Command('network')
  command
    .command('up', { isDefault: true })
    .description('Start the network, or go on where it stopped; Ctrl-C stops it.')
    .option('--once', 'run the showcase, print its result as one JSON line, stop', false)
    .option('--keep', 'with --once: stay up afterwards, until Ctrl-C', false)
    .option('--fresh', 'begin anew: remove the state of an earlier run', false)
    .option('--chains <n>', 'sequenced rollups besides the hub, 1 to 8 (default 2)', wholeNumber)
    .option(
      '--chain <name=id:fee>',
      'chain id (its own, or 1) and base fee of a rollup, as in alpha=1:200gwei; may be repeated',
      (text: string, before: ChainChange[] | undefined) => [
        ...(before ?? []),
        readChainChange(text),
      ],
    )
    .option('--port-base <port>', 'port of the gateway; the others follow (default 9500)', portBase)
    .option('--dir <directory>', 'where the network keeps its files', DIRECTORY_DEFAULT)
    .action(runUp)
  command.addCommand(downCommand())
  command.addCommand(statusCommand())
  command.addCommand(logsCommand())
  command.addCommand(genesisCommand())
  command.addCommand(registryCommand())
  return command
}

async function runUp(flags: UpFlags): Promise<void> {
  const { stayUp, withNetwork } = await import('./up.ts')
  const { showcaseDuty } = await import('./once.ts')
  const reporter = createReporter()
  const stop = new AbortController()
  const order = () => stop.abort()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, order)
  const options = {
    directory: flags.dir,
    fresh: flags.fresh,
    rollups: flags.chains,
    changes: flags.chain,
    portBase: flags.portBase,
    signal: stop.signal,
    reporter,
  }
  process.exitCode = await withNetwork(
    options,
    flags.once ? showcaseDuty(reporter, flags.keep) : stayUp(reporter),
  )
}

function wholeNumber(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

/** The lowest port lies 121 below, the highest 200 above. */
function portBase(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port >= 1_200 && port <= 65_000) return port
  throw new InvalidArgumentError('It must be a port from 1200 to 65000.')
}
