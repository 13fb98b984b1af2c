import { forgetProcess, isRunning, readProcesses, recordProcess } from '../../sdk/process/pids.ts'
import { BaseError } from '../../sdk/protocol/errors.ts'
import type { Layout } from './layout.ts'
import { SUPERVISOR } from './supervisor/supervisor.ts'

/** Finds the process that runs the network of a directory now. */
export function runningSupervisor({ pidFile }: Layout): number | undefined {
  return readProcesses(pidFile).find((entry) => entry.name === SUPERVISOR && isRunning(entry))?.pid
}

/**
 * Claims a network's directory for this process.
 *
 * @returns The way to give it back.
 * @throws {@link NetworkRunningError} when another process runs it.
 */
export function claimNetwork(layout: Layout): () => void {
  const other = runningSupervisor(layout)
  if (other !== undefined) throw new NetworkRunningError(layout.root, other)
  for (const { name, pid } of readProcesses(layout.pidFile)) {
    if (name === SUPERVISOR) forgetProcess(layout.pidFile, pid)
  }
  recordProcess(layout.pidFile, { name: SUPERVISOR, pid: process.pid, marker: 'network up' })
  return () => forgetProcess(layout.pidFile, process.pid)
}

/** The network of a directory runs already. */
export class NetworkRunningError extends BaseError {
  override readonly name = 'NetworkRunningError'

  constructor(directory: string, pid: number) {
    super(`The network in ${directory} runs already, as process ${pid}.`, {
      code: 'NETWORK_RUNNING',
      retryable: true,
      metaMessages: ['Stop it with `tandem network down`, or use another directory with `--dir`.'],
    })
  }
}
