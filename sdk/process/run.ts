import { Registry, collectDefaultMetrics } from 'prom-client'
import { ConfigError } from './config-error.ts'
import { createLogger, type Logger } from './log.ts'
import { InvariantError } from '../protocol/assert.ts'

/** Exit codes of every program of Tandem. */
export const EXIT = {
  /** It was asked to stop and did. */
  stopped: 0,
  /** It failed; starting it again may help. */
  failed: 1,
  /** What it was given to start with breaks a rule; starting it again will not help. */
  refused: 2,
  /** A rule of its own code was broken; it recovers from its log when started again. */
  invariant: 70,
} as const

/** What a program gets when it starts. */
export type ProcessContext = {
  name: string
  log: Logger
  /** Metrics of this process, with Node's own already in it. */
  registry: Registry
  /** Aborts when the program is asked to stop, also while it is still starting. */
  signal: AbortSignal
  /** Ends the program with an error that no caller can handle. */
  fail: (error: unknown) => void
}

/** A started program: how to stop it so that nothing acknowledged is lost. */
export type Running = { stop: () => Promise<void> }

/** What {@link runProcess} runs. */
export type ProcessOptions = {
  name: string
  start: (context: ProcessContext) => Promise<Running>
  /** Milliseconds that a clean stop may take before the process ends without it; default 4,000. */
  stopTimeoutMs?: number | undefined
}

/**
 * Runs a program until it is asked to stop, and ends the process with a code of {@link EXIT}.
 *
 * SIGTERM stops it; so does SIGINT, unless a supervisor holds its IPC channel: then the supervisor
 * orders the stop, so that a Ctrl-C in a terminal does not end all parts at once. A closed channel
 * stops it too, so no part outlives its supervisor. `{ type: 'ready' }` is sent when it is up.
 */
export async function runProcess(options: ProcessOptions): Promise<void> {
  const { name, start, stopTimeoutMs = 4_000 } = options
  const log = loggerOrExit(name)
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const abort = new AbortController()
  let running: Running | undefined
  let exiting = false
  let deadline: NodeJS.Timeout | undefined

  const exit = async (code: number) => {
    if (exiting) return
    exiting = true
    armDeadline()
    abort.abort()
    process.exit((await stopCleanly(running, log)) ? code : EXIT.failed)
  }
  const armDeadline = () => {
    if (deadline !== undefined) return
    deadline = setTimeout(() => {
      log.error({ stopTimeoutMs }, 'stop took too long, ended without it')
      process.exit(EXIT.failed)
    }, stopTimeoutMs)
  }
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'program failed')
    // Nothing runs after a broken rule: the state in memory cannot be trusted to be written.
    if (error instanceof InvariantError) process.exit(EXIT.invariant)
    void exit(exitCodeOf(error))
  }

  listenForStop((reason) => {
    if (!abort.signal.aborted) log.info({ reason }, 'stopping')
    abort.abort()
    armDeadline()
    if (running !== undefined) void exit(EXIT.stopped)
  })
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)

  try {
    running = await start({ name, log, registry, signal: abort.signal, fail })
  } catch (error) {
    if (abort.signal.aborted) return await exit(EXIT.stopped)
    return fail(error)
  }
  if (abort.signal.aborted) return await exit(EXIT.stopped)
  log.info('ready')
  if (process.connected) process.send?.({ type: 'ready' })
}

function loggerOrExit(name: string): Logger {
  try {
    return createLogger(name)
  } catch (error) {
    process.stderr.write(`${name}: ${(error as Error).message}\n`)
    process.exit(exitCodeOf(error))
  }
}

async function stopCleanly(running: Running | undefined, log: Logger): Promise<boolean> {
  try {
    await running?.stop()
    return true
  } catch (error) {
    log.error({ err: error }, 'stop failed')
    return false
  }
}

function listenForStop(stop: (reason: string) => void): void {
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => {
    if (!process.connected) stop('SIGINT')
  })
  process.on('SIGHUP', () => {
    if (!process.connected) stop('SIGHUP')
  })
  if (process.send !== undefined) process.on('disconnect', () => stop('supervisor gone'))
}

function exitCodeOf(error: unknown): number {
  if (error instanceof InvariantError) return EXIT.invariant
  if (error instanceof ConfigError) return EXIT.refused
  return EXIT.failed
}
