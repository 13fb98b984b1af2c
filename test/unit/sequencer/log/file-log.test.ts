import { describe, expect, test } from 'vitest'
import { openFileLog, readFileLog } from '../../../../sequencer/shell/log/file-log.ts'
import type { LogStore } from '../../../../sequencer/shell/log/log-store.ts'
import { memoryDisk } from '../../../fixtures/sequencer/memory-disk.ts'
import { randomOf } from '../../../fixtures/sequencer/random.ts'

const segment = '0000000000000001.log'
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

/** A log with one record to a segment. */
async function manySegments(count: number) {
  const disk = memoryDisk()
  const { log } = await openFileLog(disk, { segmentBytes: 10 })
  for (let height = 0; height < count; height++) await log.append(height, record(height))
  const names = (await disk.list()).filter((name) => name.endsWith('.log')).toSorted()
  return { disk, log, names }
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
    const frameBytes = disk.size(segment) / 3
    disk.flip(segment, (frameBytes + 20) * 8)
    await expect(openFileLog(disk)).rejects.toMatchObject({
      code: 'LOG',
      metaMessages: [`segment: ${segment}; offset: ${frameBytes}; height: 2`],
    })
  })

  test('refuses a flipped bit in the last record when it was acknowledged', async () => {
    const { disk } = await filled(4)
    disk.flip(segment, disk.size(segment) * 8 - 5)
    await expect(openFileLog(disk)).rejects.toMatchObject({
      code: 'LOG',
      metaMessages: [
        `acknowledged height: 3; last sound height: 2; last segment: ${segment}; offset: ${(disk.size(segment) / 3) * 2}`,
      ],
    })
  })

  test('refuses a flipped bit that came after it was opened, with its place', async () => {
    const { disk, log } = await filled(4)
    const frameBytes = disk.size(segment) / 3
    disk.flip(segment, (frameBytes + 20) * 8)
    await expect(contents(log)).rejects.toMatchObject({
      metaMessages: [`segment: ${segment}; offset: ${frameBytes}; height: 2`],
    })
  })

  test('refuses a log without one of its segments and names it', async () => {
    for (const gone of [1, 3, 5]) {
      const { disk, names } = await manySegments(8)
      await disk.remove(names[gone] as string)
      await expect(openFileLog(disk)).rejects.toMatchObject({
        metaMessages: [`found: ${names[gone + 1]}; expected: ${names[gone]}`],
      })
    }
    const { disk, names } = await manySegments(8)
    const last = names.at(-1) as string
    await disk.remove(last)
    await expect(openFileLog(disk)).rejects.toMatchObject({
      metaMessages: [expect.stringContaining('acknowledged height: 7; last sound height: 6')],
    })
  })

  test('reads on over its segments and goes on after the last', async () => {
    const { disk, names } = await manySegments(8)
    expect(names.length).toBe(8)
    const { log } = await openFileLog(disk, { segmentBytes: 10 })
    expect((await contents(log)).length).toBe(8)
    await log.append(8, record(8))
    expect(await log.readOne(8)).toEqual(record(8))
    expect((await contents(log, 6)).length).toBe(3)
  })

  test('gives up old segments on order and keeps the record that says whose log it is', async () => {
    const { disk, log } = await manySegments(8)
    await log.prune(5)
    expect(log.first()).toBe(5)
    const { log: again } = await openFileLog(disk, { segmentBytes: 10 })
    expect([again.first(), again.tip()]).toEqual([5, 7])
    expect(await again.readOne(0)).toEqual(record(0))
    expect((await contents(again, 5)).length).toBe(3)
    await expect(contents(again, 4)).rejects.toMatchObject({
      metaMessages: ['height: 4; lowest height kept after 0: 5'],
    })
    await disk.remove('0000000000000006.log')
    await expect(openFileLog(disk)).rejects.toMatchObject({ code: 'LOG' })
  })

  test('opens after a pruning that was cut short', async () => {
    const { disk, log, names } = await manySegments(8)
    const bytes = await disk.read(names[2] as string)
    await log.prune(5)
    await disk.replace(names[2] as string, bytes)
    const { log: again } = await openFileLog(disk, { segmentBytes: 10 })
    expect([again.first(), again.tip()]).toEqual([5, 7])
  })

  test('can be read by another process, which repairs nothing', async () => {
    const { disk } = await filled(3)
    const bytes = await disk.read(segment)
    const torn = new Uint8Array([...bytes, 0, 0, 0, 9, 1])
    await disk.replace(segment, torn)
    const log = await readFileLog(disk)
    expect(log.tip()).toBe(2)
    expect(await disk.read(segment)).toEqual(torn)
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
