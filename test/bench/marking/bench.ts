import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { preciseNowMs } from '../../../sequencer/shell/risk/worker/control.ts'
import { countOption } from '../arguments.ts'
import { percentiles, progress, round, type Report } from '../report.ts'
import { openPopulation } from '../risk/parallel.ts'
import { marketAt, randomNumbers } from '../risk/population.ts'

/** What this bench measures, in one line. */
export const summary =
  'ages of grid and margins under 1,000 marks a second, and what bundles lose beside it'

const SPOT_USD = 60_000
/** Accounts whose age is looked at with every sample. */
const LOOKED_AT = 20

/**
 * Sends marks for some seconds and looks every millisecond or so how old the published risk arrays and
 * accounts' margins are. The bundle bench runs first alone, then beside the marking; `--alone` leaves it
 * out.
 */
export async function run(options: ReadonlyMap<string, string>): Promise<Report> {
  const size = {
    expiries: countOption(options, 'expiries', 10),
    strikes: countOption(options, 'strikes', 50),
    accounts: countOption(options, 'accounts', 10_000),
    positions: countOption(options, 'positions', 20),
  }
  const marksPerSecond = countOption(options, 'rate', 1_000)
  const seconds = countOption(options, 'seconds', 10)
  const workers = countOption(options, 'workers', 1)
  const beside = !options.has('alone')
  const aloneRate = beside ? await bundleRate() : undefined
  progress('margining the accounts once')
  const { pool, accounts } = await openPopulation(workers, size)
  const bundles = beside ? bundleRate() : undefined
  progress('marking')
  const random = randomNumbers(5)
  const gridAges: number[] = []
  const marginAges: number[] = []
  let sent = 0
  let over = false
  void bundles?.finally(() => (over = true))
  const started = performance.now()
  for (;;) {
    const elapsedMs = performance.now() - started
    if (bundles === undefined ? elapsedMs >= 1_000 * seconds : over) break
    while (sent < (elapsedMs * marksPerSecond) / 1_000) {
      const spotUsd = SPOT_USD + Math.round(random() * 2_000) / 10
      pool.mark(marketAt(size.expiries, spotUsd).underlyings[0]!)
      sent += 1
    }
    const nowMs = preciseNowMs()
    const { round: published } = pool
    gridAges.push(nowMs - pool.roundTimeMs(published))
    for (let i = 0; i < LOOKED_AT; i++) {
      const margin = pool.margin(accounts[Math.floor(random() * accounts.length)]!)
      if (margin !== undefined) marginAges.push(nowMs - pool.roundTimeMs(margin.round))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const elapsedS = (performance.now() - started) / 1_000
  const rounds = pool.round
  await pool.close()
  const besideRate = await bundles
  return {
    gridAgeMs: percentiles(gridAges),
    marginAgeMs: percentiles(marginAges),
    marksPerSecond: round(sent / elapsedS),
    roundsPerSecond: round(rounds / elapsedS),
    ...(aloneRate === undefined || besideRate === undefined
      ? {}
      : {
          bundlesPerSecondAlone: aloneRate,
          bundlesPerSecondBeside: besideRate,
          bundlesLost: round(1 - besideRate / aloneRate),
        }),
    sizes: { ...size, instruments: 2 * size.expiries * size.strikes, workers },
  }
}

/** Runs the bundle bench in a process of its own and gives its rate. */
async function bundleRate(): Promise<number> {
  progress('bundles')
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'bundles', '--json'], {
    maxBuffer: 16 * 1024 * 1024,
  })
  return (JSON.parse(stdout) as { bundlesPerSecond: number }).bundlesPerSecond
}
