import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { programService } from '../../../cli/network/supervisor/program.ts'
import { Supervised, type ServiceEvent } from '../../../cli/network/supervisor/supervised.ts'
import { readProcesses } from '../../../sdk/process/pids.ts'

const program = fileURLToPath(new URL('../../fixtures/program.ts', import.meta.url))
const services: Supervised[] = []
let directory: string
let events: ServiceEvent[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-supervised-'))
  events = []
})
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop(0)))
  rmSync(directory, { recursive: true, force: true })
})

function supervised(behaviour: string): Supervised {
  const service = new Supervised(
    programService({ name: `part-${behaviour}`, file: program, args: [behaviour, directory] }),
    {
      logs: directory,
      pidFile: join(directory, 'pids.json'),
      report: (event) => events.push(event),
    },
  )
  services.push(service)
  return service
}

const recorded = () => readProcesses(join(directory, 'pids.json')).map(({ pid }) => pid)

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a supervised program', () => {
  test('that was killed comes back as another process, and the pid file follows', async () => {
    const service = supervised('normal')
    await service.start()
    const first = service.pid!
    expect(recorded()).toEqual([first])

    process.kill(first, 'SIGKILL')
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toEqual(['died', 'back']), 5_000)
    expect(service.pid).not.toBe(first)
    expect(recorded()).toEqual([service.pid])
  })

  test('that refuses to start is not tried again, and the error shows the end of its log', async () => {
    const service = supervised('refuse')
    await expect(service.start()).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('The rule.'),
    })
    const starts = readFileSync(service.logFile, 'utf8').match(/program failed/g)
    expect(service.state).toBe('refused')
    expect(starts).toHaveLength(1)
  })

  test('that does not stop is ended by force and leaves no process', async () => {
    const service = supervised('hang-stop')
    await service.start()
    const pid = service.pid!
    await service.stop(50)
    expect(events).toEqual([{ type: 'killed', name: service.name }])
    expect(isAlive(pid)).toBe(false)
    await vi.waitFor(() => expect(recorded()).toEqual([]))
  })

  test('that is stopped while it starts is not started again', async () => {
    const service = supervised('hang-start')
    const starting = service.start()
    await vi.waitFor(
      () => expect(readFileSync(service.logFile, 'utf8')).toContain('starting'),
      5_000,
    )
    await Promise.all([expect(starting).rejects.toThrow(/did not start/), service.stop(2_000)])
    expect(isAlive(service.pid!)).toBe(false)
    expect(events).toEqual([])
  })

  test('that keeps dying is started again ever more slowly', async () => {
    const service = supervised('fail-later')
    await service.start()
    await vi.waitFor(
      () => expect(events.filter(({ type }) => type === 'died').length).toBeGreaterThan(2),
      { timeout: 9_000 },
    )
    const waits = events.flatMap((event) => (event.type === 'died' ? [event.againInMs] : []))
    expect(waits.slice(0, 3)).toEqual([250, 500, 1_000])
  })
})
