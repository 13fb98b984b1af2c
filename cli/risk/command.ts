import { Command, Option } from 'commander'
import { createBacktest } from './backtest/command.ts'
import { type LineHandler, answerLines } from './json-lines.ts'
import { type MarginFormat, explainLine, marginLine } from './margin-lines.ts'
import { impliedVolatilityLine, priceLine } from './option-lines.ts'

const LINES = 'JSON lines on standard input, one answer a line on standard output.'

/** Makes `tandem risk`: the risk engine for anyone who wants to check it. */
export function createCommand(): Command {
  const group = new Command('risk').description('Price options and margin portfolios.')
  group
    .command('price')
    .description(`Prices and Greeks of Black 76. ${LINES}`)
    .option('--second-order', 'vanna and volga too')
    .action(({ secondOrder = false }: { secondOrder?: boolean }) =>
      answer((value) => priceLine(value, secondOrder)),
    )
  group
    .command('iv')
    .description(`Implied volatilities. ${LINES}`)
    .action(() => answer(impliedVolatilityLine))
  group
    .command('margin')
    .description(`Initial and maintenance margin of portfolios. ${LINES}`)
    .addOption(formatOption())
    .action(({ format }: { format: MarginFormat }) => answer((value) => marginLine(value, format)))
  group
    .command('explain')
    .description(`Which scenario binds, and every charge. ${LINES}`)
    .addOption(formatOption())
    .option('--table', 'tables for people instead of JSON')
    .action(({ format, table = false }: { format: MarginFormat; table?: boolean }) =>
      answer((value) => explainLine(value, format, table)),
    )
  group.addCommand(createBacktest())
  return group
}

function formatOption(): Option {
  return new Option('--format <format>', 'how a line is written: docs/risk.md')
    .choices(['tandem', 'pm2'])
    .default('tandem')
}

/** Answers standard input; exit code 1 says that a line at least was refused. */
async function answer(handle: LineHandler): Promise<void> {
  const { stdin: input, stdout: output } = process
  // A reader that has enough (`head`) ends the work.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  const { failed } = await answerLines(handle, { input, output })
  if (failed > 0) process.exitCode = 1
}
