import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'

/** Exit code of a follower that found a lie. */
const EXIT_LIE = 3

type Options = {
  network: string
  genesis?: string | undefined
  l1?: string | undefined
  until?: number | undefined
}

/** Makes `tandem follow`. */
export function createCommand(): Command {
  return new Command('follow')
    .description(
      'Rebuild every rollup from what is on l1 and nothing else, and compare all that the log says. ' +
        'Prints one JSON line. Exit code 0: everything is as posted; 3: a lie was found.',
    )
    .option('--network <file>', 'description of the network', NETWORK_FILE_DEFAULT)
    .option('--genesis <directory>', 'genesis files (default: beside the description)')
    .option('--l1 <url>', 'where l1 is asked (default: as described)')
    .option('--until <slot>', 'last slot to follow (default: all that is posted)', slotNumber)
    .action(run)
}

async function run({ network: file, genesis, l1, until }: Options): Promise<void> {
  const { followNetwork } = await import('../../sequencer/follow/start-follow.ts')
  const { LieError } = await import('../../sequencer/follow/lie.ts')
  const directory = mkdtempSync(join(tmpdir(), 'tandem-follow-'))
  const startedMs = performance.now()
  const seconds = () => Math.round(performance.now() - startedMs) / 1_000
  let toldMs = startedMs
  try {
    const followed = await followNetwork({
      network: loadNetwork(file),
      genesis: genesis ?? join(dirname(file), 'genesis'),
      directory,
      l1Url: l1,
      until,
      progress: ({ slot, blocks }) => {
        if (performance.now() - toldMs < 1_000) return
        toldMs = performance.now()
        process.stderr.write(`… slot ${slot}, ${blocks} blocks (${seconds()} s)\n`)
      },
    })
    print({ ok: true, ...followed, seconds: seconds() })
  } catch (error) {
    if (!(error instanceof LieError)) throw error
    process.stderr.write(`${error.message}\n`)
    print({ ok: false, lie: { ...error.place, ...error.finding }, seconds: seconds() })
    process.exitCode = EXIT_LIE
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function slotNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a slot’s height: an integer from 0.')
}
