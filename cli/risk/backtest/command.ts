import { Command, InvalidArgumentError } from 'commander'

type Flags = {
  portfolios?: string
  equity?: number
  hours?: number
  every: number
  delay?: number
  json?: boolean
}

/** Makes `tandem risk backtest`; what it runs is loaded when it runs. */
export function createBacktest(): Command {
  return new Command('backtest')
    .description(
      'Run portfolios through hourly prices: calls, liquidations, debts, cost of margin.',
    )
    .argument('[history...]', 'CSV files (default: *_1h_*.csv in the folder TANDEM_DATA)')
    .option('--portfolios <file>', 'JSON lines of portfolios (default: ten usual ones)')
    .option('--equity <ratio>', 'equity at entry over initial margin (default: 1)', atLeast(1))
    .option('--hours <n>', 'hours until a portfolio is closed (default: 168)', atLeast(1))
    .option('--every <n>', 'hours between entries', atLeast(1), 24)
    .option('--delay <n>', 'hours from failed margin to the closing price (default: 1)', atLeast(0))
    .option('--json', 'one JSON object instead of tables')
    .action(run)
}

async function run(named: string[], flags: Flags): Promise<void> {
  const { backtest } = await import('./run.ts')
  const { backtestTable } = await import('./table.ts')
  const report = backtest(
    {
      histories: named,
      folder: process.env['TANDEM_DATA'],
      portfolios: flags.portfolios,
      equityRatio: flags.equity,
      hours: flags.hours,
      delayHours: flags.delay,
      everyHours: flags.every,
    },
    (text) => process.stderr.write(`${text}\n`),
  )
  const text = flags.json === true ? JSON.stringify(report) : backtestTable(report)
  process.stdout.write(`${text}\n`)
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const figure = Number(text)
    if (text.trim() !== '' && figure >= least && figure <= 1e6) return figure
    throw new InvalidArgumentError(`It must be a number from ${least} to 1000000.`)
  }
}
