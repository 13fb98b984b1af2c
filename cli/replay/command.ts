import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'

/** Exit code of a replay that found a difference. */
const EXIT_DIFFERENCE = 3

type Options = {
  network: string
  state?: string | undefined
  genesis?: string | undefined
  until?: number | undefined
  verify: boolean
}

/** Makes `tandem replay`. */
export function createCommand(): Command {
  return new Command('replay')
    .description(
      'Read the log of this machine from its beginning: every checksum, hash and link. With --verify ' +
        'derive every rollup from it on fresh nodes and compare all block hashes. Prints one JSON ' +
        'line. Exit code 0: everything is as it should be; 1: the log is damaged; 3: a difference.',
    )
    .option('--network <file>', 'description of the network', NETWORK_FILE_DEFAULT)
    .option('--state <directory>', 'of the sequencer (default: beside the description)')
    .option('--genesis <directory>', 'genesis files (default: beside the description)')
    .option('--until <slot>', 'last slot to replay (default: all)', slotNumber)
    .option('--verify', 'execute everything on fresh nodes and compare block hashes', false)
    .action(run)
}

async function run({ network: file, state, genesis, until, verify }: Options): Promise<void> {
  const { replayNetwork } = await import('../../sequencer/follow/start-replay.ts')
  const { LieError } = await import('../../sequencer/follow/lie.ts')
  const directory = mkdtempSync(join(tmpdir(), 'tandem-replay-'))
  const startedMs = performance.now()
  const seconds = () => Math.round(performance.now() - startedMs) / 1_000
  let toldMs = startedMs
  try {
    const replayed = await replayNetwork({
      network: loadNetwork(file),
      state: state ?? join(dirname(file), 'sequencer'),
      genesis: genesis ?? join(dirname(file), 'genesis'),
      directory,
      execute: verify,
      until,
      progress: ({ slot, blocks }) => {
        if (performance.now() - toldMs < 1_000) return
        toldMs = performance.now()
        process.stderr.write(`… slot ${slot}, ${blocks} blocks (${seconds()} s)\n`)
      },
    })
    print({ ok: true, verified: verify, ...replayed, seconds: seconds() })
  } catch (error) {
    if (!(error instanceof LieError)) throw error
    process.stderr.write(`${error.message}\n`)
    const { posted: logged, ...finding } = error.finding
    print({
      ok: false,
      difference: { ...error.place, ...finding, logged },
      seconds: seconds(),
    })
    process.exitCode = EXIT_DIFFERENCE
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
