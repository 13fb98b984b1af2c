// Runs before every test file: what the environment says about random runs.
import { configureGlobal } from 'fast-check'

/**
 * `SEED` replays the run that a failing property printed; `FC_NUM_RUNS` is how many cases a property
 * tries where its test names no number.
 */
function wholeNumber(name: string): number | undefined {
  const value = process.env[name]
  if (value === undefined || value === '') return undefined
  if (!/^-?\d+$/.test(value)) throw new Error(`${name} is not a whole number.`)
  return Number(value)
}

const seed = wholeNumber('SEED')
const numRuns = wholeNumber('FC_NUM_RUNS')
configureGlobal({
  ...(seed === undefined ? {} : { seed }),
  ...(numRuns === undefined ? {} : { numRuns }),
})
