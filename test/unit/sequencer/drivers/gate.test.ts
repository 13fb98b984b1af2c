import { describe, expect, test } from 'vitest'
import { createGate } from '../../../../sequencer/shell/drivers/gate.ts'

/** A job that ends when the test says so, and a note of its beginning. */
function job(name: string, began: string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const run = () => {
    began.push(name)
    return promise
  }
  return { run, end: () => resolve(name), fail: () => reject(new Error(name)) }
}

const turns = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

describe('a gate', () => {
  test('lets reads in together, up to its limit and in their order', async () => {
    const began: string[] = []
    const gate = createGate(2)
    const jobs = ['a', 'b', 'c'].map((name) => job(name, began))
    const running = jobs.map(({ run }) => gate.shared(run))
    await turns()
    expect(began).toEqual(['a', 'b'])
    jobs[1]!.end()
    await turns()
    expect(began).toEqual(['a', 'b', 'c'])
    for (const { end } of jobs) end()
    expect(await Promise.all(running)).toEqual(['a', 'b', 'c'])
  })

  test('changes alone: it waits for reads under way, and later reads wait for it', async () => {
    const began: string[] = []
    const gate = createGate(8)
    const [before, change, after] = ['before', 'change', 'after'].map((name) => job(name, began))
    const running = [gate.shared(before!.run), gate.exclusive(change!.run), gate.shared(after!.run)]
    await turns()
    expect(began).toEqual(['before'])
    before!.end()
    await turns()
    expect(began).toEqual(['before', 'change'])
    change!.end()
    await turns()
    expect(began).toEqual(['before', 'change', 'after'])
    after!.end()
    await Promise.all(running)
  })

  test('stays usable after jobs that fail', async () => {
    const began: string[] = []
    const gate = createGate(1)
    const [read, change] = ['read', 'change'].map((name) => job(name, began))
    const failing = [gate.shared(read!.run), gate.exclusive(change!.run)]
    read!.fail()
    change!.fail()
    const results = await Promise.allSettled(failing)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await gate.shared(async () => 'read')).toBe('read')
    expect(await gate.exclusive(async () => 'change')).toBe('change')
  })
})
