import { expect, test } from 'vitest'
import { openRecoveryPoints } from '../../../../sequencer/shell/recovery/points.ts'
import { createRecovery } from '../../../../sequencer/shell/recovery/recovery.ts'
import { counterLeg, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { CONFIG } from '../../../fixtures/sequencer/world.ts'

test.each([
  ['as far as the oldest recovery point needs it', 1_000_000, (oldest: number) => oldest],
  ['and not what must still be posted', 3, () => 3],
  ['and nothing at all unless the operator says so', undefined, () => undefined],
] as const)('the log is given up %s', async (_what, needed, expected) => {
  const harness = await startHarness()
  const { world, answer, settle } = harness
  for (let nonce = 0; nonce < 16; nonce++) {
    const { port } = harness.process()
    await answer(port.sendTransaction(counterLeg(901, nonce, [{ do: 'add', value: 1 }])))
    await settle()
  }
  const { engine } = harness.process()
  const pruned: number[] = []
  const { log } = engine.options
  const points = openRecoveryPoints(world.points, CONFIG)
  const fold = await points.newest(log, () => undefined)
  const recovery = createRecovery(
    {
      ...engine.options,
      log: { ...log, prune: async (below) => void pruned.push(below) },
      recovery: {
        ...engine.options.recovery,
        ...(needed === undefined ? {} : { pruneBelow: () => needed }),
      },
    },
    { fold: fold!, blocks: engine.blocks },
  )
  await answer(recovery.makePoint())
  const below = expected((await points.oldest())!)
  expect(pruned).toEqual(below === undefined ? [] : [below])
})
