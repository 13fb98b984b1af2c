import type { Network } from '../../sdk/protocol/network.ts'
import { seedNetwork } from '../seed/seed.ts'
import { openStage } from './stage.ts'
import { breachInitialMargin } from './steps/breach.ts'
import { depositOnTwoChains } from './steps/deposit.ts'
import { failOnOneRollup } from './steps/fail.ts'
import { replayTheFall } from './steps/fall.ts'
import { tradeOnTwoRollups } from './steps/trade.ts'
import { addUpTheBooks, withdrawOnBeta } from './steps/withdraw.ts'

/** What one step did, in figures that were read back from chain or from a receipt. */
export type StepReport = { name: string; ms: number; result: unknown }

/** What the showcase found. Amounts are text: integers with 18 decimals. */
export type ShowcaseResult = {
  ok: boolean
  steps: readonly StepReport[]
  balanceSheet: unknown
  /** Why it stopped; absent when everything held. */
  error?: string | undefined
}

/**
 * Runs the main job on a running local network, with the public SDK alone: deposits, a joint trade,
 * two refusals, the recorded fall, a withdrawal, the balance sheet.
 */
export async function runShowcase(options: {
  network: Network
  /** Path of the network file, for the programs that it starts. */
  networkFile: string
  log: (line: string) => void
}): Promise<ShowcaseResult> {
  const { network, networkFile, log } = options
  const steps: StepReport[] = []
  async function step<T>(name: string, run: () => Promise<T>, report: (value: T) => unknown) {
    log('')
    log(`── ${name}`)
    const started = performance.now()
    const value = await run()
    steps.push({ name, ms: Math.round(performance.now() - started), result: report(value) })
    return value
  }
  const same = <T>(value: T): T => value
  try {
    await step(
      'liquidity in every vault',
      () => seedNetwork(network),
      (seeded) => ({ seeded }),
    )
    const stage = await step(
      'a maker with leases on both rollups',
      () => openStage(network, log),
      ({ expiryS }) => ({ expiryS }),
    )
    const { trader } = await step(
      'deposits on two chains, one account',
      () => depositOnTwoChains(stage),
      ({ report }) => report,
    )
    await step('one bundle, two rollups, one margin', () => tradeOnTwoRollups(stage, trader), same)
    await step('a leg fails: nothing happens', () => failOnOneRollup(stage, trader), same)
    await step('too much risk: refused', () => breachInitialMargin(stage, trader), same)
    await step(
      'the recorded fall',
      () => replayTheFall(stage, { liquidatorArgs: ['--network', networkFile] }),
      same,
    )
    await step('a withdrawal elsewhere', () => withdrawOnBeta(stage, trader), same)
    const balanceSheet = await step('the balance sheet', () => addUpTheBooks(stage, trader), same)
    return { ok: true, steps, balanceSheet }
  } catch (error) {
    log(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { ok: false, steps, balanceSheet: undefined, error: String(error) }
  }
}
