import { Command } from 'commander'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { BaseError } from '../../sdk/protocol/errors.ts'
import { layoutOf } from './layout.ts'

/** Makes `tandem network logs`. */
export function logsCommand(): Command {
  return new Command('logs')
    .description('Print the log of one process, or name the logs that there are.')
    .argument('[name]', 'whose log: sequencer, relayer, validator-hub, …')
    .option('--dir <directory>', 'where the network keeps its files', '.tandem')
    .action(async (name: string | undefined, { dir }: { dir: string }) => {
      const { logs } = layoutOf(dir)
      const names = existsSync(logs)
        ? readdirSync(logs).flatMap((file) => (file.endsWith('.log') ? [file.slice(0, -4)] : []))
        : []
      if (name === undefined) {
        process.stdout.write(`${names.join('\n')}\n`)
        return
      }
      if (!names.includes(name)) throw new UnknownLogError(name, names)
      await pipeline(createReadStream(join(logs, `${name}.log`)), process.stdout, { end: false })
    })
}

/** No process of the network wrote a log of that name. */
export class UnknownLogError extends BaseError {
  override readonly name = 'UnknownLogError'

  constructor(name: string, known: readonly string[]) {
    super(`There is no log of "${name}".`, {
      code: 'UNKNOWN_LOG',
      retryable: false,
      metaMessages: [`known: ${known.join(', ') || 'none'}`],
    })
  }
}
