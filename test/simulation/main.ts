// `npm run simulate -- --seeds N [--from N] [--seed TEXT]`: runs seeds, prints the first that fails.
import { parseArgs } from 'node:util'
import { runSeed } from './run-seed.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    actions: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
const from = Number(values.from)
const count = Number(values.seeds)
const seeds =
  values.seed === undefined
    ? Array.from({ length: count }, (_, i) => `sequencer ${from + i}`)
    : [values.seed]
const actions = values.actions === undefined ? undefined : Number(values.actions)

const totals = { slots: 0, entries: 0, crashes: 0, nodeDeaths: 0, refused: 0 }
const startedMs = performance.now()
for (const [done, seed] of seeds.entries()) {
  if (done > 0 && done % 50 === 0) process.stderr.write(`${done} of ${seeds.length} seeds\n`)
  try {
    if (values.verbose)
      process.stderr.write(`${seed} ${Math.round(performance.now() - startedMs)}\n`)
    const run = await runSeed(seed, { actions })
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += run[key]
  } catch (error) {
    process.stdout.write(`SEED='${seed}' failed: ${(error as Error).stack}\n`)
    if (!values.verbose) process.exit(1)
  }
}
const elapsedS = Math.round(performance.now() - startedMs) / 1000
process.stdout.write(`${JSON.stringify({ ok: true, seeds: seeds.length, elapsedS, ...totals })}\n`)
process.exit(0)
