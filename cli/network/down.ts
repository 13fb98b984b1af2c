import { Command } from 'commander'
import { setTimeout as delay } from 'node:timers/promises'
import { BaseError } from '../../sdk/protocol/errors.ts'
import { runningSupervisor } from './claim.ts'
import { layoutOf } from './layout.ts'
import { endLeftovers } from './supervisor/supervisor.ts'

const stopTimeoutMs = 8_000

/** Makes `tandem network down`. */
export function downCommand(): Command {
  return new Command('down')
    .description('Stop the network of a directory, also what a killed start left behind.')
    .option('--dir <directory>', 'where the network keeps its files', '.tandem')
    .action(async ({ dir }: { dir: string }) => {
      const layout = layoutOf(dir)
      const pid = runningSupervisor(layout)
      if (pid !== undefined) {
        process.kill(pid, 'SIGTERM')
        await untilGone(() => runningSupervisor(layout) === undefined, pid)
      }
      await endLeftovers(layout.pidFile)
      process.stderr.write(pid === undefined ? 'Nothing was running.\n' : 'Stopped.\n')
    })
}

async function untilGone(gone: () => boolean, pid: number): Promise<void> {
  const deadlineMs = Date.now() + stopTimeoutMs
  while (!gone()) {
    if (Date.now() > deadlineMs) throw new StillRunningError(pid)
    await delay(50)
  }
}

/** The network was asked to stop and did not. */
export class StillRunningError extends BaseError {
  override readonly name = 'StillRunningError'

  constructor(pid: number) {
    super(`Process ${pid} was asked to stop and still runs after ${stopTimeoutMs} ms.`, {
      code: 'STILL_RUNNING',
      retryable: true,
    })
  }
}
