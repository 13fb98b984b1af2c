import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  endRecorded,
  endUnrecorded,
  forgetProcess,
  isRunning,
  readProcesses,
  recordProcess,
} from '../../../sdk/process/pids.ts'

let folder: string
let file: string
const children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-pids-'))
  file = join(folder, 'private', 'pids.json')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function sleeper(marker: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', marker])
  children.push(child)
  await once(child, 'spawn')
  return child as ChildProcess & { pid: number }
}

describe('the pid file', () => {
  test('is private and holds what was recorded and not forgotten', () => {
    recordProcess(file, { name: 'redis', pid: 11, marker: 'redis' })
    recordProcess(file, { name: 'node-902', pid: 12, marker: 'anvil' })
    recordProcess(file, { name: 'node-903', pid: 12, marker: 'anvil' })
    forgetProcess(file, 11)
    expect(readProcesses(file)).toEqual([{ name: 'node-903', pid: 12, marker: 'anvil' }])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    expect(readdirSync(dirname(file))).toEqual(['pids.json'])
  })

  test('absent is empty, and another file is refused', () => {
    expect(readProcesses(file)).toEqual([])
    recordProcess(file, { name: 'redis', pid: 11, marker: 'redis' })
    writeFileSync(file, '{"version":9}')
    expect(() => readProcesses(file)).toThrow(file)
  })

  test('a lock that a crash left behind is taken over', () => {
    recordProcess(file, { name: 'redis', pid: 11, marker: 'redis' })
    writeFileSync(`${file}.lock`, '')
    const longAgo = Date.now() / 1_000 - 60
    utimesSync(`${file}.lock`, longAgo, longAgo)
    forgetProcess(file, 11)
    expect(readProcesses(file)).toEqual([])
  })
})

describe('a recorded process', () => {
  test('is ended when it still runs', async () => {
    const child = await sleeper('mark-a')
    const exited = once(child, 'exit')
    recordProcess(file, { name: 'node-902', pid: child.pid, marker: 'mark-a' })
    endRecorded(file, ({ name }) => name === 'node-902')
    expect(await exited).toEqual([null, 'SIGKILL'])
    expect(readProcesses(file)).toEqual([])
  })

  test('is left alone when its pid belongs to another program now', async () => {
    const child = await sleeper('mark-b')
    const entry = { name: 'node-902', pid: child.pid, marker: 'mark-of-another' }
    recordProcess(file, entry)
    expect(isRunning(entry)).toBe(false)
    endRecorded(file, () => true)
    expect(child.exitCode).toBeNull()
    expect(isRunning({ ...entry, marker: 'mark-b' })).toBe(true)
    expect(readProcesses(file)).toEqual([])
  })
})

describe('a process that nobody recorded', () => {
  test('is ended by its program and a text of its command line; others go on', async () => {
    const child = await sleeper('mark-of-a-network')
    const other = await sleeper('mark-of-another-network')
    const exited = once(child, 'exit')
    endUnrecorded(process.execPath, 'mark-of-a-network')
    expect(await exited).toEqual([null, 'SIGKILL'])
    endUnrecorded('/another/program', 'mark-of-another-network')
    expect(other.exitCode ?? other.signalCode).toBeNull()
  })
})
