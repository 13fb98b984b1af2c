import type { Network } from '../../sdk/protocol/network.ts'
import type { Reporter } from './report.ts'
import type { Duty } from './up.ts'

/** What the showcase found: its last word is one JSON object with these fields. */
export type ShowcaseResult = { ok: boolean; steps: readonly unknown[]; balanceSheet: unknown }

type Showcase = {
  runShowcase: (options: {
    network: Network
    log: (line: string) => void
  }) => Promise<ShowcaseResult>
}

/** Runs the showcase on the network and prints its result as the last line of standard output. */
export function showcaseDuty(reporter: Reporter): Duty {
  return async ({ network }) => {
    const program = new URL('../showcase/main.ts', import.meta.url).href
    const { runShowcase } = (await import(program)) as Showcase
    const result = await runShowcase({ network, log: reporter.say })
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return result.ok ? 0 : 1
  }
}
