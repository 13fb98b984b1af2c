import { describe, expect, test } from 'vitest'
import type { Op } from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  hashesOf,
  startHarness,
  type Harness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS } from '../../../fixtures/sequencer/world.ts'

// Goal: a rollup whose block differs stops alone; resumed it shows the block that was promised, the log
// says so first, and whoever is killed on the way or reads the log later finds the same blocks.

const [, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]

/** A bundle on alpha and beta was promised, and beta's node made something else of it. */
async function stoppedHarness() {
  const harness = await startHarness()
  const { answer, process, settle, until, world } = harness
  await settle()
  world.machines.get(beta)!.differsAlways = true
  const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, add)]
  await answer(process().port.sendBundle(bundleOf(legs)))
  await until(() => process().port.status().stopped.length > 0)
  await settle()
  return { ...harness, withheld: legs[1]!.hash }
}

/** Blocks of a chain in the order in which readers saw them. */
function numbersOf({ world }: Harness, chainId: number): number[] {
  const blocks = world.seen.flatMap(({ blocks: all }) => all)
  return blocks.filter((b) => b.chainId === chainId).map(({ block }) => block.number)
}

describe('a rollup that stopped', () => {
  test('shows the withheld block once it is resumed, and goes on', async () => {
    const harness = await stoppedHarness()
    const { answer, process, settle, visible, withheld, world } = harness
    expect(hashesOf(visible(beta))).not.toContain(withheld)
    world.machines.get(beta)!.differsAlways = false
    const head = await answer(process().port.resume(beta))
    expect(hashesOf(visible(beta))).toContain(withheld)
    expect(process().port.status().stopped).toEqual([])
    expect(numbersOf(harness, beta).at(-1)).toBe(head.number)
    const next = [counterLeg(alpha, 1, add), counterLeg(beta, 1, add)]
    await answer(process().port.sendBundle(bundleOf(next)))
    await settle()
    expect(hashesOf(visible(beta))).toContain(next[1]!.hash)
    const numbers = numbersOf(harness, beta)
    expect(numbers).toEqual(numbers.map((_, i) => 1 + i))
    expect(world.events.filter(({ type }) => type === 'resumed').length).toBe(1)
  })

  test('stays stopped with the reason when its node does the same again', async () => {
    const { answer, process, until, world } = await stoppedHarness()
    await expect(answer(process().port.resume(beta))).rejects.toMatchObject({
      code: 'RESUME_FAILED',
      message: expect.stringContaining('gasUsed 1'),
    })
    expect(process().port.status().stopped.length).toBe(1)
    // The node differs only when the block is made for good: the log says that it was resumed, and stopped.
    const machine = world.machines.get(beta)!
    machine.differsAlways = false
    const resumed = process().port.resume(beta)
    const { superblock } = process().engine.state
    await until(() => superblock.resumed.size > 0)
    machine.differsAlways = true
    await expect(answer(resumed)).rejects.toMatchObject({ code: 'RESUME_FAILED' })
    expect(process().port.status().stopped.length).toBe(1)
    machine.differsAlways = false
    await answer(process().port.resume(beta))
    expect(process().port.status().stopped).toEqual([])
  })

  test('by a block that differs after a crash, before its hash is in the log, is resumed like any other', async () => {
    const harness = await startHarness()
    const { answer, process, restart, settle, until, visible, world } = harness
    await settle()
    const machine = world.machines.get(beta)!
    const { engine, port } = process()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, add)]
    await answer(port.sendBundle(bundleOf(legs)))
    await until(() => engine.state.superblock.phase === 'sealing')
    machine.differsFrom = engine.state.heads.get(beta)!.number + 1
    machine.differsAlways = true
    await restart()
    const [stop] = process().port.status().stopped
    expect(stop).toMatchObject({ chainId: beta, reason: expect.stringContaining('gasUsed 1') })
    await settle()
    expect(hashesOf(visible(beta))).not.toContain(legs[1]!.hash)
    await answer(process().port.sendTransaction(counterLeg(alpha, 1, add)))
    machine.differsAlways = false
    await answer(process().port.resume(beta))
    expect(hashesOf(visible(beta))).toContain(legs[1]!.hash)
    await answer(process().port.sendTransaction(counterLeg(beta, 1, add)))
  })

  test('that goes on needs no second order, and a rollup that did not stop takes none', async () => {
    const { answer, process, world } = await stoppedHarness()
    world.machines.get(beta)!.differsAlways = false
    const { port } = process()
    const first = port.resume(beta)
    await expect(port.resume(beta)).rejects.toMatchObject({ code: 'RESUME_FAILED' })
    await answer(first)
    await expect(answer(port.resume(beta))).rejects.toMatchObject({ code: 'NOT_STOPPED' })
    await expect(answer(port.resume(77))).rejects.toMatchObject({ code: 'UNKNOWN_CHAIN' })
  })

  test.each([0, 1, 2, 3, 5, 8, 13, 21, 34])(
    'killed %i steps after the order it is stopped or goes on, as the log says',
    async (steps) => {
      const harness = await stoppedHarness()
      const { answer, process, restart, settle, visible, withheld, world, records } = harness
      await restart()
      world.machines.get(beta)!.differsAlways = false
      process()
        .port.resume(beta)
        .catch(() => undefined)
      for (let i = 0; i < steps; i++) await world.scheduler.step()
      await restart()
      const noted = (await records()).some(({ notes }) => notes.resumed.length > 0)
      expect(process().port.status().stopped.length).toBe(noted ? 0 : 1)
      if (!noted) await answer(process().port.resume(beta))
      await settle()
      expect(hashesOf(visible(beta))).toContain(withheld)
      await answer(process().port.sendTransaction(counterLeg(beta, 1, add)))
      await restart()
      const numbers = new Set(numbersOf(harness, beta))
      expect(Math.max(...numbers)).toBe(numbers.size)
    },
  )
})
