import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../../sdk/protocol/bytes.ts'
import type { CoreConfig } from '../../../../sequencer/core/config.ts'
import { decodeSnapshot, encodeSnapshot } from '../../../../sequencer/core/snapshot/snapshot.ts'
import { openRecoveryPoints } from '../../../../sequencer/shell/recovery/points.ts'
import { counterLeg, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { CONFIG } from '../../../fixtures/sequencer/world.ts'

/** A sequencer that made recovery points on its way, and stopped. */
async function stopped() {
  const harness = await startHarness()
  const { world, answer, settle } = harness
  for (let nonce = 0; nonce < 20; nonce++) {
    const { port } = harness.process()
    await answer(port.sendTransaction(counterLeg(901, nonce, [{ do: 'add', value: 1 }])))
    await settle()
  }
  const { log } = harness.process().engine.options
  return { harness, world, log, names: world.points.names().toSorted() }
}

describe('recovery points', () => {
  test('are made on the way; two are kept', async () => {
    const { names, world, log } = await stopped()
    expect(names.length).toBe(2)
    const newest = await openRecoveryPoints(world.points, CONFIG).newest(log, () => undefined)
    expect(`${newest?.state.height}`.padStart(16, '0')).toBe(names[1]?.slice(0, 16))
  })

  test('a damaged one is skipped with its name, for the one before and then for the log', async () => {
    const { harness, world, names } = await stopped()
    const [older, newer] = names as [string, string]
    const skipped = () => world.events.filter(({ type }) => type === 'pointSkipped')
    world.points.flip(newer, 777)
    await harness.restart()
    expect(skipped()).toMatchObject([{ name: newer }])
    world.points.flip(older, 777)
    await harness.restart()
    expect(skipped().slice(1)).toMatchObject([{ name: newer }, { name: older }])
    const port = harness.process().port
    await harness.answer(port.sendTransaction(counterLeg(901, 20, [{ do: 'add', value: 1 }])))
  })

  test('a restart folds the tail alone', async () => {
    const { harness, world, names } = await stopped()
    await harness.restart()
    const replayed = world.events.findLast(({ type }) => type === 'replayed')
    const tail = harness.process().engine.options.log.tip() - Number(names[1]?.slice(0, 16))
    expect(replayed).toMatchObject({ slots: tail })
  })

  test('of another log, another version or another form are not used', async () => {
    const { world, log, names } = await stopped()
    const bytes = (await world.points.read(names[1] as string)).subarray(32)
    const other: CoreConfig = { ...CONFIG, logId: `0x${'c'.repeat(64)}` }
    expect(() => decodeSnapshot(bytes, other)).toThrow(`rule: it is of log ${other.logId}`)
    const fold = decodeSnapshot(bytes, CONFIG)
    const changed = { ...fold, state: { ...fold.state, invented: 1 } }
    const parts = [...encodeSnapshot(changed)]
    expect(() => decodeSnapshot(concatBytes(parts), CONFIG)).toThrow('its fields are')
    // A point at a height whose slot is another one: as after a log that was put back.
    const points = openRecoveryPoints(world.points, CONFIG)
    const tipHash = `0x${'d'.repeat(64)}` as const
    await points.write(fold.state.height, [...encodeSnapshot({ ...fold, tipHash })])
    const reasons: string[] = []
    await points.newest(log, ({ reason }) => reasons.push(reason))
    expect(reasons).toEqual([expect.stringContaining(`the log has slot ${tipHash}`)])
  })
})
