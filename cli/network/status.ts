import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { loadNetwork } from '../../sdk/process/network.ts'
import { isRunning, readProcesses } from '../../sdk/process/pids.ts'
import { runningSupervisor } from './claim.ts'
import { layoutOf } from './layout.ts'
import { heightOf } from './status-line.ts'

/** Makes `tandem network status`: exit code 0 when the network runs, 1 when not. */
export function statusCommand(): Command {
  return new Command('status')
    .description('Say whether the network runs, its processes and how far its chains are.')
    .option('--dir <directory>', 'where the network keeps its files', '.tandem')
    .action(async ({ dir }: { dir: string }) => {
      const layout = layoutOf(dir)
      const running = runningSupervisor(layout)
      for (const entry of readProcesses(layout.pidFile)) {
        const state = isRunning(entry) ? 'runs' : 'is gone'
        process.stdout.write(`${entry.name.padEnd(20)} ${`${entry.pid}`.padStart(8)}  ${state}\n`)
      }
      if (running !== undefined && existsSync(layout.networkFile)) {
        const heights = await Promise.all(loadNetwork(layout.networkFile).chains.map(heightOf))
        process.stdout.write(`${heights.join('  ')}\n`)
      }
      if (running === undefined) process.stdout.write('The network does not run.\n')
      process.exitCode = running === undefined ? 1 : 0
    })
}
