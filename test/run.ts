// Runs the checks and every suite in order: `npm test`, or `npm test -- unit "contract tests"`.
import { rmSync } from 'node:fs'
import { runStep, type Outcome, type Stage, type Step } from './run/step.ts'
import { checkSteps, stages } from './run/steps.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())
if (process.channel !== undefined) {
  process.on('disconnect', () => stop.abort())
  process.channel.unref()
}

const chosen = select(process.argv.slice(2))
if (chosen === undefined) {
  const known = stages.flat(2).map(({ name }) => `"${name}"`)
  process.stderr.write(`Unknown step. Known: check, ${known.join(', ')}\n`)
  process.exit(2)
}
rmSync('.build/test', { recursive: true, force: true })
const startMs = performance.now()
const outcomes: Outcome[] = []
for (const stage of chosen) {
  await Promise.all(stage.map((track) => runTrack(track, stage.length === 1)))
}
const ok = summarise(outcomes) && !stop.signal.aborted
process.exit(ok ? 0 : 1)

async function runTrack(track: readonly Step[], live: boolean): Promise<void> {
  for (const step of track) {
    if (stop.signal.aborted) return
    const outcome = await runStep(step, live, stop.signal)
    outcomes.push(outcome)
    process.stdout.write(`${outcome.ok ? '✓' : '✗'} ${step.name} ${seconds(outcome.elapsedMs)}\n`)
  }
}

/** The stages with the named steps alone; all of them when none is named. */
function select(names: readonly string[]): readonly Stage[] | undefined {
  if (names.length === 0) return stages
  const isKnown = (name: string) =>
    name === 'check' || stages.flat(2).some((step) => step.name === name)
  if (!names.every(isKnown)) return undefined
  const isNamed = (step: Step) =>
    names.includes(step.name) || (names.includes('check') && checkSteps.includes(step))
  return stages.map((stage) =>
    stage.map((track) => track.filter(isNamed)).filter((track) => track.length > 0),
  )
}

function summarise(ended: readonly Outcome[]): boolean {
  const failed = ended.filter((outcome) => !outcome.ok)
  const sum = (pick: (outcome: Outcome) => number) =>
    ended.reduce((total, outcome) => total + pick(outcome), 0)
  const elapsedMs = performance.now() - startMs
  process.stdout.write(`\n${ended.length} steps in ${seconds(elapsedMs)}`)
  if (failed.length > 0)
    process.stdout.write(`; failed: ${failed.map(({ name }) => name).join(', ')}`)
  if (stop.signal.aborted) process.stdout.write('; stopped early')
  const passedTests = sum(({ count }) => count.passed)
  const failedTests = sum(({ count }) => count.failed)
  process.stdout.write(`\n${passedTests} passed, ${failedTests} failed\n`)
  return failed.length === 0
}

function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1_000).toFixed(1)} s`
}
