import { describe, expect, test } from 'vitest'
import { openFileLog } from '../../../../sequencer/shell/log/file-log.ts'
import type { LogStore } from '../../../../sequencer/shell/log/log-store.ts'
import { memoryDisk } from '../../../fixtures/sequencer/memory-disk.ts'
import { randomOf } from '../../../fixtures/sequencer/random.ts'

const segment = '0000000000000000.log'
const record = (height: number) => new TextEncoder().encode(`record ${height} `.repeat(4))

async function filled(count: number) {
  const disk = memoryDisk()
  const { log } = await openFileLog(disk)
  for (let height = 0; height < count; height++) await log.append(height, record(height))
  return { disk, log }
}

async function contents(log: LogStore, from = 0): Promise<string[]> {
  const found: string[] = []
  for await (const { record: bytes } of log.read(from)) found.push(new TextDecoder().decode(bytes))
  return found
}

describe('the log on one machine', () => {
  test('gives back what was appended, also when it is opened again', async () => {
    const { disk, log } = await filled(3)
    expect(await contents(log, 1)).toEqual(
      [record(1), record(2)].map((r) => new TextDecoder().decode(r)),
    )
    const { log: again, repairedBytes } = await openFileLog(disk)
    expect(repairedBytes).toBe(0)
    expect(again.tip()).toBe(2)
    expect(await again.readOne(1)).toEqual(record(1))
    expect(await again.readOne(3)).toBeUndefined()
  })

  test('commits records that come together with one sync', async () => {
    const { disk, log } = await filled(1)
    const before = disk.syncs()
    await Promise.all([1, 2, 3, 4, 5].map((height) => log.append(height, record(height))))
    expect(disk.syncs() - before).toBeLessThanOrEqual(2)
    expect(log.tip()).toBe(5)
  })

  test('refuses a height that is not the next one', async () => {
    const { log } = await filled(2)
    await expect(log.append(3, record(3))).rejects.toMatchObject({ code: 'LOG' })
    expect(log.tip()).toBe(1)
  })

  test('keeps every acknowledged record at a crash and cuts a torn one off (I16)', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const { disk, log } = await filled(4)
      let acknowledged = 3
      const late = log.append(4, record(4)).then(
        () => (acknowledged = 4),
        () => undefined,
      )
      if (seed % 2 === 0) await late
      disk.crash(randomOf(`log ${seed}`))
      const { log: again } = await openFileLog(disk)
      expect(again.tip()).toBeGreaterThanOrEqual(acknowledged)
      await again.append(again.tip() + 1, record(9))
      expect((await contents(again)).length).toBe(again.tip() + 1)
    }
  })

  test('refuses a flipped bit anywhere before the end, with its place', async () => {
    const { disk } = await filled(4)
    const frameBytes = disk.size(segment) / 4
    disk.flip(segment, (frameBytes + 20) * 8)
    await expect(openFileLog(disk)).rejects.toMatchObject({
      code: 'LOG',
      metaMessages: [`segment: ${segment}; offset: ${frameBytes}; height: 1`],
    })
  })

  test('refuses a flipped bit in the last record when it was acknowledged', async () => {
    const { disk } = await filled(4)
    disk.flip(segment, disk.size(segment) * 8 - 5)
    await expect(openFileLog(disk)).rejects.toMatchObject({
      code: 'LOG',
      metaMessages: ['acknowledged height: 3; last sound height: 2'],
    })
  })

  test('refuses a missing segment', async () => {
    const { disk } = await filled(1)
    await disk.open('0000000000000007.log', 0)
    await expect(openFileLog(disk)).rejects.toMatchObject({ code: 'LOG' })
  })

  test('takes nothing more after a write failed', async () => {
    const { disk, log } = await filled(2)
    disk.failNextWrite()
    await expect(log.append(2, record(2))).rejects.toMatchObject({ code: 'LOG' })
    await expect(log.append(2, record(2))).rejects.toMatchObject({ code: 'LOG' })
    disk.crash(randomOf('full disk'))
    const { log: again } = await openFileLog(disk)
    expect(again.tip()).toBe(1)
  })
})
