// Runs the checks and every suite in order: `npm test`, or `npm test -- unit "contract tests"`.
import { rmSync } from 'node:fs'
import { runStep, type Outcome, type Step } from './run/step.ts'
import { checkSteps, testSteps } from './run/steps.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())
if (process.channel !== undefined) {
  process.on('disconnect', () => stop.abort())
  process.channel.unref()
}

const steps = select(process.argv.slice(2))
if (steps === undefined) {
  const known = [...checkSteps, ...testSteps].map(({ name }) => `"${name}"`).join(', ')
  process.stderr.write(`Unknown step. Known: check, ${known}\n`)
  process.exit(2)
}
rmSync('.build/test', { recursive: true, force: true })
const outcomes: Outcome[] = []
for (const step of steps) {
  if (stop.signal.aborted) break
  if (!step.quiet) process.stdout.write(`\n── ${step.name}\n`)
  const outcome = await runStep(step, stop.signal)
  outcomes.push(outcome)
  process.stdout.write(`${outcome.ok ? '✓' : '✗'} ${step.name} ${seconds(outcome.elapsedMs)}\n`)
}
const ok = summarise(outcomes) && !stop.signal.aborted
process.exit(ok ? 0 : 1)

function select(names: readonly string[]): readonly Step[] | undefined {
  const all = [...checkSteps, ...testSteps]
  if (names.length === 0) return all
  const chosen = names.flatMap((name) =>
    name === 'check' ? checkSteps : all.filter((step) => step.name === name),
  )
  const found = names.every((name) => name === 'check' || all.some((step) => step.name === name))
  return found ? chosen : undefined
}

function summarise(ended: readonly Outcome[]): boolean {
  const failed = ended.filter((outcome) => !outcome.ok)
  const sum = (pick: (outcome: Outcome) => number) =>
    ended.reduce((total, outcome) => total + pick(outcome), 0)
  const elapsedMs = sum((outcome) => outcome.elapsedMs)
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
