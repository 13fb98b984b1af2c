import type { Reporter } from './report.ts'
import { showStatus } from './status-line.ts'
import type { Duty } from './up.ts'

/**
 * Runs the showcase on the network and prints its result as the last line of standard output.
 *
 * @param keep - Stays up afterwards until the user stops it.
 */
export function showcaseDuty(reporter: Reporter, keep: boolean): Duty {
  return async ({ network, layout, signal }) => {
    const { runShowcase } = await import('../showcase/main.ts')
    const { networkFile } = layout
    const result = await runShowcase({ network, networkFile, log: reporter.say })
    process.stdout.write(`${JSON.stringify(result)}\n`)
    if (keep) await showStatus({ network, reporter, signal })
    return result.ok ? 0 : 1
  }
}
