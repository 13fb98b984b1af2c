import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { anvilBinary } from '../../../sdk/process/anvil-binary.ts'
import { endRecorded, endUnrecorded, isRunning, readProcesses } from '../../../sdk/process/pids.ts'
import type { Stage } from '../services.ts'
import { Supervised, type SupervisedOptions } from './supervised.ts'

/** Name under which the supervisor itself stands in the pid file. */
export const SUPERVISOR = 'supervisor'

/** Milliseconds after the order to stop at which each stage, from the last, is ended by force. */
const STOP_DEADLINES_MS = [3_000, 3_800, 4_500]

/** Owner of a network's processes. */
export class Supervisor {
  readonly services: readonly Supervised[]
  private readonly stages: readonly { title: string; services: readonly Supervised[] }[]
  private readonly pidFile: string
  private stopped: Promise<void> | undefined

  constructor(stages: readonly Stage[], options: SupervisedOptions) {
    this.pidFile = options.pidFile
    this.stages = stages.map(({ title, services }) => ({
      title,
      services: services.map((service) => new Supervised(service, options)),
    }))
    this.services = this.stages.flatMap(({ services }) => services)
  }

  /**
   * Starts every stage after the one before.
   *
   * @param around - Runs the start of one stage; the place for progress.
   * @throws {@link StartFailedError} when a service does not start.
   */
  async start(around: (title: string, start: () => Promise<void>) => Promise<void>): Promise<void> {
    for (const { title, services } of this.stages) {
      if (this.stopped !== undefined) return
      await around(title, async () => {
        const started = await Promise.allSettled(services.map((service) => service.start()))
        const failed = started.find((result) => result.status === 'rejected')
        if (failed !== undefined) throw failed.reason
      })
    }
  }

  /**
   * Stops everything in the opposite order, by force where it takes too long, and ends what the
   * services spawned themselves. Takes less than five seconds.
   */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll()
    return this.stopped
  }

  private async stopAll(): Promise<void> {
    const startMs = performance.now()
    for (const [i, { services }] of this.stages.toReversed().entries()) {
      const graceMs =
        STOP_DEADLINES_MS[Math.min(i, STOP_DEADLINES_MS.length - 1)]! -
        (performance.now() - startMs)
      await Promise.all(services.map((service) => service.stop(Math.max(200, graceMs))))
    }
    await endLeftovers(this.pidFile)
  }
}

/**
 * Ends every process of a network but the supervisor: what a killed supervisor or sequencer left.
 *
 * @param pidFile - In a directory of the network's own directory.
 *
 * A pid counts only while its command line is the recorded one.
 */
export async function endLeftovers(pidFile: string): Promise<void> {
  const left = readProcesses(pidFile).filter(({ name }) => name !== SUPERVISOR)
  endRecorded(pidFile, ({ name }) => name !== SUPERVISOR)
  // Every node's command line names a file of its network: its genesis or a state.
  endUnrecorded(anvilBinary(), ` ${dirname(dirname(pidFile))}/`)
  const deadlineMs = performance.now() + 2_000
  while (left.some(isRunning) && performance.now() < deadlineMs) await delay(10)
}
