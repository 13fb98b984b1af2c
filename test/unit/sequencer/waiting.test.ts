import { describe, expect, test } from 'vitest'
import { openWaitingRoom } from '../../../sequencer/shell/waiting/waiting-room.ts'
import { counterLeg, startHarness } from '../../fixtures/sequencer/harness.ts'
import { memoryDisk } from '../../fixtures/sequencer/memory-disk.ts'
import { randomOf } from '../../fixtures/sequencer/random.ts'

const add = [{ do: 'add', value: 1 }] as const

describe('a transaction that was answered while it waits for its nonce', () => {
  test('is carried out after a crash, once the nonces before it came (I16)', async () => {
    const harness = await startHarness()
    const early = counterLeg(902, 1, add)
    await harness.answer(harness.process().port.acceptTransaction(early))
    await harness.restart()
    await harness.restart()
    const first = counterLeg(902, 0, add)
    await harness.answer(harness.process().port.sendTransaction(first))
    await harness.until(() => harness.visible(902).some(({ hash }) => hash === early.hash))
    const hashes = harness.visible(902).map(({ hash }) => hash)
    expect(hashes.filter((hash) => hash === early.hash).length).toBe(1)
  })

  test('stands once although it was in the log when the process ended (I6)', async () => {
    const harness = await startHarness()
    const early = counterLeg(902, 1, add)
    await harness.answer(harness.process().port.acceptTransaction(early))
    await harness.answer(harness.process().port.sendTransaction(counterLeg(902, 0, add)))
    await harness.answer(harness.process().port.sendTransaction(early))
    await harness.restart()
    await harness.answer(harness.process().port.sendTransaction(counterLeg(902, 2, add)))
    const records = await harness.records()
    const legs = records.flatMap(({ chains }) => chains.flatMap((chain) => chain.legs))
    expect(legs.filter(({ hash }) => hash === early.hash).length).toBe(1)
  })
})

describe('the waiting room', () => {
  const transaction = (n: number) => ({
    chainId: 902,
    rawTx: `0x${n.toString(16).padStart(8, '0')}` as const,
    untilSlot: n,
  })

  test('keeps what it acknowledged through a crash, and nothing that is torn', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const disk = memoryDisk()
      const room = await openWaitingRoom(disk)
      await room.keep(transaction(1), () => true)
      void room.keep(transaction(2), () => true)
      disk.crash(randomOf(`room ${seed}`))
      const { found } = await openWaitingRoom(disk)
      expect(found[0]).toEqual(transaction(1))
      expect(found.length).toBeLessThanOrEqual(2)
    }
  })

  test('forgets what waits no more when its file has grown long', async () => {
    const disk = memoryDisk()
    const room = await openWaitingRoom(disk, 40)
    for (let n = 1; n <= 100; n++) await room.keep(transaction(n), (t) => t.untilSlot > n - 3)
    await room.close()
    const { found } = await openWaitingRoom(disk)
    expect(found.length).toBeLessThan(50)
    expect(found).toContainEqual(transaction(100))
    expect(disk.names().length).toBeLessThanOrEqual(2)
  })
})
