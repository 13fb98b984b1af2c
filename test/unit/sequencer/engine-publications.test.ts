import { expect, test } from 'vitest'
import { createPublications } from '../../../sequencer/shell/engine/publications.ts'
import { openFileLog } from '../../../sequencer/shell/log/file-log.ts'
import type { PublishedSuperblock } from '../../../sequencer/shell/port.ts'
import { counterLeg, startHarness } from '../../fixtures/sequencer/harness.ts'
import { memoryDisk } from '../../fixtures/sequencer/memory-disk.ts'

/** What was published while ten transactions went, and the log of it with one record to a segment. */
async function published() {
  const harness = await startHarness()
  for (let nonce = 0; nonce < 10; nonce++) {
    const { port } = harness.process()
    await harness.answer(port.sendTransaction(counterLeg(901, nonce, [{ do: 'add', value: 1 }])))
    await harness.settle()
  }
  const { log } = await openFileLog(memoryDisk(), { segmentBytes: 10 })
  for await (const { height, record } of harness.process().engine.options.log.read(0)) {
    await log.append(height, record)
  }
  const last = harness.world.seen.at(-1)!.superblock
  const told = async (after?: { superblock: number; slot: number }) => {
    const superblocks: PublishedSuperblock[] = []
    const publications = createPublications(log, { published: last - 1, heads: new Map() })
    await publications.subscribe((superblock) => superblocks.push(superblock), after)
    return superblocks.map(ordered)
  }
  return { log, told, seen: harness.world.seen.slice(0, -1).map(ordered) }
}

/** The blocks of a superblock belong to different rollups: their order says nothing. */
function ordered(superblock: PublishedSuperblock): PublishedSuperblock {
  return { ...superblock, blocks: superblock.blocks.toSorted((a, b) => a.chainId - b.chainId) }
}

test('a listener is told of everything, or of what came after a superblock', async () => {
  const { told, seen } = await published()
  expect(await told()).toEqual(seen)
  const { superblock, slot } = seen[4]!
  expect(await told({ superblock, slot: Number(slot) })).toEqual(seen.slice(5))
})

test('of a log that was pruned a listener is told every superblock that is whole', async () => {
  const { log, told, seen } = await published()
  await log.prune(6)
  const superblocks = await told()
  expect(superblocks.length).toBeGreaterThan(2)
  expect(superblocks).toEqual(seen.slice(-superblocks.length))
})
