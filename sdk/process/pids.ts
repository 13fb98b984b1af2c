import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

const recorded = z.strictObject({
  /** What it is, for messages: `node-902`, `redis`. */
  name: z.string().min(1),
  pid: z.int().positive(),
  /** A text that only its command line contains: guards against a pid that was given anew. */
  marker: z.string().min(1),
})
const pidFile = z.strictObject({ version: z.literal(1), processes: z.array(recorded).max(1024) })

/** A process that was spawned, so that whoever comes next can find and end it. */
export type RecordedProcess = z.infer<typeof recorded>

const lockStaleMs = 2_000
const lockWaitMs = 3_000

/** Writes a spawned process into the pid file (0600, in a directory of 0700). */
export function recordProcess(file: string, entry: RecordedProcess): void {
  change(file, (processes) => [...processes.filter(({ pid }) => pid !== entry.pid), entry])
}

/** Takes a process that ended out of the pid file. */
export function forgetProcess(file: string, pid: number): void {
  change(file, (processes) => processes.filter((entry) => entry.pid !== pid))
}

/**
 * Reads the pid file; absent is empty.
 *
 * @throws {@link ConfigError} when the file is none of ours.
 */
export function readProcesses(file: string): readonly RecordedProcess[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  try {
    return pidFile.parse(JSON.parse(text)).processes
  } catch (error) {
    throw new ConfigError(`The pid file ${file} is not valid.`, [], error)
  }
}

/** Says whether the recorded process still runs and is the one that was recorded. */
export function isRunning({ pid, marker }: RecordedProcess): boolean {
  return commandLine(pid)?.includes(marker) ?? false
}

/** Ends the recorded processes that `which` picks and that still run, and forgets them. */
export function endRecorded(file: string, which: (entry: RecordedProcess) => boolean): void {
  for (const entry of readProcesses(file).filter(which)) {
    if (isRunning(entry)) {
      try {
        process.kill(entry.pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    forgetProcess(file, entry.pid)
  }
}

/**
 * Ends the processes of a program whose command line holds a text: whoever was killed between the
 * start of a process and its record left one that no file names.
 *
 * @param program - Absolute path of the program's file.
 */
export function endUnrecorded(program: string, marker: string): void {
  for (const [pid, command] of commandLines()) {
    if (!command.startsWith(program) || !command.includes(marker)) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      // Gone meanwhile, or another user's: neither is ours.
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ESRCH' && code !== 'EPERM') throw error
    }
  }
}

function commandLines(): [number, string][] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), commandLine(Number(name)) ?? ''])
  }
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? []
    return pid === undefined || command === undefined ? [] : [[Number(pid), command]]
  })
}

function commandLine(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    } catch {
      // No such process, or another user's: neither is ours.
      return undefined
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout : undefined
}

function change(
  file: string,
  next: (processes: readonly RecordedProcess[]) => RecordedProcess[],
): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const lock = `${file}.lock`
  takeLock(lock)
  try {
    const text = JSON.stringify({ version: 1, processes: next(readProcesses(file)) }, undefined, 2)
    const fresh = `${file}.${process.pid}`
    writeFileSync(fresh, `${text}\n`, { mode: 0o600 })
    renameSync(fresh, file)
  } finally {
    rmSync(lock, { force: true })
  }
}

/** Several programs write the file; a lock that its owner left behind in a crash is taken over. */
function takeLock(lock: string): void {
  const deadlineMs = performance.now() + lockWaitMs
  for (;;) {
    try {
      return closeSync(openSync(lock, 'wx', 0o600))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (performance.now() > deadlineMs && ageMs(lock) <= lockStaleMs) {
      throw new ConfigError(`The lock ${lock} is held by another program.`)
    }
    if (ageMs(lock) > lockStaleMs) rmSync(lock, { force: true })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    return 0
  }
}
