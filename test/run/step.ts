import { spawn } from 'node:child_process'

const outputCharactersMax = 256 * 1024

/** One thing that `npm test` does: a program, how long it may take, and whom its output is for. */
export type Step = {
  name: string
  command: readonly [file: string, ...args: string[]]
  timeLimitMs: number
  /** Quiet: the output is shown only when the step fails. */
  quiet: boolean
  environment?: Readonly<Record<string, string>> | undefined
  /** Tests that ran and failed, from what the step printed or wrote; absent: the step is one. */
  count?: ((output: string) => Count | undefined) | undefined
}

/** Tracks that run at the same time; the steps of a track run one after the other. */
export type Stage = readonly (readonly Step[])[]

/** Tests that passed and that failed. */
export type Count = { passed: number; failed: number }

/** How a step ended. */
export type Outcome = { name: string; ok: boolean; elapsedMs: number; count: Count }

/**
 * Runs one step; what it started is gone when this returns.
 * @param live Shows the output of a step that is not quiet as it comes, otherwise when it ends.
 */
export async function runStep(step: Step, live: boolean, signal: AbortSignal): Promise<Outcome> {
  const startMs = performance.now()
  const shown = live && !step.quiet
  process.stdout.write(shown ? `\n── ${step.name}\n` : `… ${step.name}\n`)
  const { code, output, late } = await runProgram(step, shown, signal)
  const elapsedMs = performance.now() - startMs
  const ok = code === 0 && !late
  if (!shown && !step.quiet) process.stdout.write(`\n── ${step.name}\n`)
  if (!shown && (!ok || !step.quiet)) process.stdout.write(`${output.trimEnd()}\n`)
  if (late) process.stdout.write(`${step.name}: ended after ${step.timeLimitMs / 1_000} s\n`)
  const counted = step.count?.(output) ?? { passed: ok ? 1 : 0, failed: ok ? 0 : 1 }
  // A step that fails without a failing test (it crashed, or found none) is a failure of its own.
  const count = !ok && counted.failed === 0 ? { ...counted, failed: 1 } : counted
  return { name: step.name, ok, elapsedMs, count }
}

type Ended = { code: number | null; output: string; late: boolean }

function runProgram(step: Step, shown: boolean, signal: AbortSignal): Promise<Ended> {
  const [file, ...args] = step.command
  return new Promise((resolve) => {
    // A group of its own, so that a step that hangs is ended with all that it started.
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...step.environment },
      detached: true,
    })
    let output = ''
    let late = false
    const take = (data: Buffer) => {
      output = (output + data.toString()).slice(-outputCharactersMax)
      if (shown) process.stdout.write(data)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    const endGroup = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name)
      } catch {
        // The group is gone already: nothing is left to end.
      }
    }
    const timer = setTimeout(() => {
      late = true
      endGroup('SIGTERM')
      setTimeout(() => endGroup('SIGKILL'), 5_000).unref()
    }, step.timeLimitMs)
    const stop = () => endGroup('SIGTERM')
    signal.addEventListener('abort', stop)
    const end = (code: number | null, text = '') => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      endGroup('SIGKILL')
      resolve({ code, output: output + text, late })
    }
    child.on('error', (error) => end(127, error.message))
    child.on('close', (code) => end(code))
  })
}
