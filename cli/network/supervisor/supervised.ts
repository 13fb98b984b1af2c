import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { forgetProcess, recordProcess } from '../../../sdk/process/pids.ts'
import { EXIT } from '../../../sdk/process/run.ts'
import { StartFailedError } from './start-failed.ts'

/** A process that was just spawned. */
export type Launched = {
  child: ChildProcess
  /** Settles when it does its job; rejects when it cannot. */
  ready: Promise<void>
  /** Asks it to stop cleanly; default a SIGTERM. */
  askToStop?: (() => Promise<void>) | undefined
}

/** Something that runs as a process of its own and comes back when it dies. */
export type Service = {
  name: string
  /** A text that only its command line contains. */
  marker: string
  /** Spawns it; what it prints goes to `output`, a file descriptor. */
  launch: (output: number) => Launched
}

/** Where a service is in its life. */
export type ServiceState = 'stopped' | 'starting' | 'ready' | 'waiting' | 'refused'

/** What happens to a service that somebody may want to read. */
export type ServiceEvent =
  | { type: 'died'; name: string; how: string; againInMs: number }
  | { type: 'refused'; name: string; logFile: string }
  | { type: 'back'; name: string }
  | { type: 'killed'; name: string }

/** What {@link Supervised} needs from its surroundings. */
export type SupervisedOptions = {
  logs: string
  pidFile: string
  report: (event: ServiceEvent) => void
}

const startTimeoutMs = 60_000
const firstAttempts = 3
const backOffMsMin = 250
const backOffMsMax = 5_000
const healthyMs = 30_000
const logBytesMax = 64 * 1024 * 1024

/** Owner of one service's process: starts it, starts it again when it dies, stops it. */
export class Supervised {
  readonly name: string
  readonly logFile: string
  state: ServiceState = 'stopped'
  private readonly service: Service
  private readonly options: SupervisedOptions
  private launched: Launched | undefined
  private readonly stopping = new AbortController()
  private restarting: Promise<void> | undefined
  private backOffMs = backOffMsMin

  constructor(service: Service, options: SupervisedOptions) {
    this.name = service.name
    this.service = service
    this.options = options
    this.logFile = join(options.logs, `${service.name}.log`)
  }

  /** Id of the process that runs now. */
  get pid(): number | undefined {
    return this.launched?.child.pid
  }

  /**
   * Starts the service and waits until it does its job; from then on it is kept running.
   *
   * @throws {@link StartFailedError} when it refuses to start or dies several times.
   */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.runOnce()
        return
      } catch (error) {
        if (this.stopping.signal.aborted || this.state === 'refused' || attempt === firstAttempts) {
          throw new StartFailedError(this.name, this.logFile, error)
        }
        await delay(backOffMsMin * attempt, undefined, { signal: this.stopping.signal })
      }
    }
  }

  /** Asks the service to stop and ends it by force when it takes longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort()
    const { launched } = this
    if (launched !== undefined && !ended(launched.child)) {
      const exited = once(launched.child, 'exit')
      const asked = launched.askToStop?.() ?? launched.child.kill('SIGTERM')
      const late = delay(graceMs, 'late' as const, { ref: false })
      // A request that fails leaves the process as it was; the force below ends it.
      await Promise.race([Promise.all([exited, asked]).catch(() => late), late])
      if (!ended(launched.child)) {
        launched.child.kill('SIGKILL')
        this.options.report({ type: 'killed', name: this.name })
        await exited
      }
    }
    await this.restarting
    if (this.state !== 'refused') this.state = 'stopped'
  }

  private async runOnce(): Promise<void> {
    this.state = 'starting'
    const output = openLog(this.logFile)
    const launched = this.service.launch(output)
    closeSync(output)
    this.launched = launched
    const { child } = launched
    const { pid } = child
    const { name, marker } = this.service
    if (pid !== undefined) recordProcess(this.options.pidFile, { name, pid, marker })
    const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
    const died = exited.then(({ code, signal }) => {
      if (pid !== undefined) forgetProcess(this.options.pidFile, pid)
      if (code === EXIT.refused) this.state = 'refused'
      throw new Error(`ended with ${signal ?? `code ${code}`}`)
    })
    const late = delay(startTimeoutMs, undefined, { ref: false }).then(() => {
      throw new Error(`not ready after ${startTimeoutMs} ms`)
    })
    try {
      await Promise.race([launched.ready, died, late])
    } catch (error) {
      if (!ended(child)) child.kill('SIGKILL')
      died.catch(() => undefined)
      throw error
    }
    this.state = 'ready'
    const readyMs = performance.now()
    died.catch((error: Error) => {
      if (this.stopping.signal.aborted) return
      if (performance.now() - readyMs > healthyMs) this.backOffMs = backOffMsMin
      this.restarting = this.restart(error.message)
    })
  }

  private async restart(how: string): Promise<void> {
    let reason = how
    while (!this.stopping.signal.aborted) {
      if (this.state === 'refused') {
        this.options.report({ type: 'refused', name: this.name, logFile: this.logFile })
        return
      }
      const againInMs = this.backOffMs
      this.state = 'waiting'
      this.options.report({ type: 'died', name: this.name, how: reason, againInMs })
      this.backOffMs = Math.min(againInMs * 2, backOffMsMax)
      try {
        await delay(againInMs, undefined, { signal: this.stopping.signal })
        await this.runOnce()
        this.options.report({ type: 'back', name: this.name })
        return
      } catch (error) {
        reason = (error as Error).message
      }
    }
  }
}

function ended({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
}

/** Opens a log for appending; a large one becomes the previous one first. */
function openLog(path: string): number {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > logBytesMax) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o644)
}
