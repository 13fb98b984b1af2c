import type { Reporter } from './report.ts'
import type { Duty } from './up.ts'

/** Runs the showcase on the network and prints its result as the last line of standard output. */
export function showcaseDuty(reporter: Reporter): Duty {
  return async ({ network, layout }) => {
    const { runShowcase } = await import('../showcase/main.ts')
    const { networkFile } = layout
    const result = await runShowcase({ network, networkFile, log: reporter.say })
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return result.ok ? 0 : 1
  }
}
