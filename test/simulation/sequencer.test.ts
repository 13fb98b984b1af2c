import { describe, test } from 'vitest'
import { runSeed } from './run-seed.ts'
import { FAILED_SEEDS } from './seeds.ts'

const wanted = process.env['SEED']
const seeds =
  wanted === undefined ? Array.from({ length: 200 }, (_, i) => `sequencer ${i}`) : [wanted]

describe('a sequencer that crashes anywhere', () => {
  test.each([...FAILED_SEEDS, ...seeds])(
    'loses nothing acknowledged, splits no bundle and derives the same blocks (SEED=%s)',
    async (seed) => {
      await runSeed(seed)
    },
  )
})
