import { once } from 'node:events'
import { createServer } from 'node:net'
import { createPublicClient, http } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isRunning, type RecordedProcess } from '../../sdk/process/pids.ts'
import type { Network, NetworkChain } from '../../sdk/protocol/network.ts'
import { TestNetwork } from '../fixtures/running-network.ts'

const running = new TestNetwork()
afterAll(() => running.remove())

const clientOf = ({ rpcUrl }: NetworkChain) => createPublicClient({ transport: http(rpcUrl) })

const heights = (network: Network) =>
  Promise.all(network.chains.map((chain) => clientOf(chain).getBlockNumber()))

function expectAllGone(processes: readonly RecordedProcess[]): void {
  expect(processes.filter(isRunning).map(({ name }) => name)).toEqual([])
}

describe('the network command', { timeout: 200_000 }, () => {
  let network: Network
  let before: readonly bigint[]

  beforeAll(async () => {
    network = await running.up(['--chains', '3'])
  }, 150_000)

  test('brings up every chain that was asked for, each answering for itself', async () => {
    const ids = await Promise.all(network.chains.map((chain) => clientOf(chain).getChainId()))
    expect(ids).toEqual([900, 901, 902, 903, 904, 990])
    const names = running.processes().map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['redis', 'sequencer', 'relayer', 'publisher']))
    expect(names.filter((name) => name.startsWith('validator-'))).toHaveLength(6)
  })

  test('all chains go on without anybody asking', async () => {
    const first = await heights(network)
    await vi.waitFor(
      async () => {
        const later = await heights(network)
        expect(later.every((height, i) => height > first[i]!)).toBe(true)
      },
      { timeout: 20_000, interval: 200 },
    )
  })

  test('a second start in the same directory is refused and harms nothing', async () => {
    const second = new TestNetwork()
    Object.assign(second, { directory: running.directory, portBase: running.portBase })
    const child = await second.launch()
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(1)
    expect(second.output).toContain('runs already')
    expect((await heights(network)).length).toBe(6)
  })

  test('Ctrl-C stops everything within five seconds and leaves no process', async () => {
    before = await heights(network)
    const processes = running.processes()
    const { code, ms } = await running.end('SIGINT')
    expect(code).toBe(0)
    expect(ms).toBeLessThan(5_000)
    expectAllGone(processes)
    expect(running.processes()).toEqual([])
  })

  test('the next start goes on where the network stopped', async () => {
    const again = await running.up()
    expect(running.output).toContain('Resuming the network')
    expect(again).toEqual(network)
    const after = await heights(again)
    expect(after.every((height, i) => height >= before[i]! - 1n)).toBe(true)
  })

  test('what a killed command left behind is ended by the next start, which resumes', async () => {
    const processes = running.processes()
    await running.end('SIGKILL')
    const again = await running.up()
    expectAllGone(processes)
    expect(again.logId).toBe(network.logId)
  })

  test('processes that hang are ended by force, and a stop still takes five seconds at most', async () => {
    const processes = running.processes()
    for (const name of ['relayer', 'sequencer']) process.kill(running.pidOf(name), 'SIGSTOP')
    const { code, ms } = await running.end('SIGTERM')
    expect(code).toBe(0)
    expect(ms).toBeLessThan(5_000)
    expect(running.output).toContain('relayer did not stop in time')
    expectAllGone(processes)
  })

  test('a busy port is named, with the option that changes it', async () => {
    const server = createServer().listen(running.portBase + 100, '127.0.0.1')
    await once(server, 'listening')
    const child = await running.launch()
    const [code] = (await once(child, 'exit')) as [number]
    server.close()
    expect(code).toBe(1)
    expect(running.output).toContain(`relayer: ${running.portBase + 100}`)
    expect(running.output).toContain('--port-base')
  })
})
