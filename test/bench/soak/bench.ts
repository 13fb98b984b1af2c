import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readProcesses } from '../../../sdk/process/pids.ts'
import { countOption } from '../arguments.ts'
import type { Seen, Task } from '../bundles/client.ts'
import { makeSenders, plainLeg, type Sender } from '../bundles/legs.ts'
import { startBenchNetwork, type BenchNetwork } from '../bundles/network.ts'
import { percentiles, progress, round, type Report } from '../report.ts'

export const summary = 'block time and memory at the end of a long run against its beginning'

const rollupCount = 3
const senderCount = 64
const inFlight = 256
/** Share of a run that its beginning and its end are; of one hour, five minutes. */
const edgeShare = 1 / 12
const windowsAtLeast = 12

type Window = { superblockMs: number; receiptMsP50: number; residentMb: number; nodesMb: number }

/**
 * Sends two-leg bundles at half of the saturated rate for `--seconds N` (3,600), and compares the last
 * twelfth with the first: mean time of a superblock from its opening to its publication, and memory.
 * `--bundles N` to find the saturated rate (2,000), `--rate N` bundles a second instead.
 */
export async function run(options: ReadonlyMap<string, string>): Promise<Report> {
  const seconds = countOption(options, 'seconds', 3_600)
  const senders = makeSenders(senderCount)
  const addresses = senders.map(({ address }) => address)
  const network = await startBenchNetwork(rollupCount, addresses)
  try {
    const saturated = options.has('rate')
      ? countOption(options, 'rate', 1) * 2
      : await saturatedRate(network, senders, countOption(options, 'bundles', 2_000))
    const perSecond = saturated / 2
    const windowS = Math.max(1, Math.floor(seconds / Math.max(windowsAtLeast, seconds / 60)))
    const windows: Window[] = []
    const startMs = performance.now()
    while (performance.now() - startMs < seconds * 1_000) {
      windows.push(await oneWindow(network, senders, { perSecond, seconds: windowS }))
      const { superblockMs, residentMb } = windows.at(-1)!
      progress(
        `${Math.round((performance.now() - startMs) / 1_000)} s: superblock ${superblockMs} ms, ${residentMb} MB`,
      )
    }
    const edge = Math.max(1, Math.round(windows.length * edgeShare))
    const first = mean(windows.slice(0, edge))
    const last = mean(windows.slice(-edge))
    return {
      seconds: round((performance.now() - startMs) / 1_000),
      bundlesPerSecond: round(perSecond),
      saturatedBundlesPerSecond: round(saturated),
      first,
      last,
      superblockRatio: round(last.superblockMs / first.superblockMs),
      memoryRatio: round(last.residentMb / first.residentMb),
      nodesMemoryRatio: round(last.nodesMb / first.nodesMb),
      sizes: {
        rollups: rollupCount,
        legsPerBundle: 2,
        senders: senderCount,
        windows: windows.length,
        windowS,
      },
    }
  } finally {
    await network.stop()
  }
}

async function saturatedRate(
  network: BenchNetwork,
  senders: readonly Sender[],
  count: number,
): Promise<number> {
  await send(network, senders, { count: count / 2 })
  const { elapsedMs } = await send(network, senders, { count })
  return count / (elapsedMs / 1_000)
}

async function oneWindow(
  network: BenchNetwork,
  senders: readonly Sender[],
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Window> {
  const before = await superblockTimes(network)
  const count = Math.ceil(perSecond * seconds)
  const { receiptMs } = await send(network, senders, { count, perSecond })
  const after = await superblockTimes(network)
  const superblocks = Math.max(1, after.count - before.count)
  const nodes = readProcesses(network.layout.pidFile).filter(({ name }) => name.startsWith('node-'))
  return {
    superblockMs: round(((after.seconds - before.seconds) * 1_000) / superblocks),
    receiptMsP50: percentiles(receiptMs).p50,
    residentMb: residentMb(network.pid),
    nodesMb: round(nodes.reduce((sum, { pid }) => sum + residentMb(pid), 0)),
  }
}

async function send(
  { network, rollups }: BenchNetwork,
  senders: readonly Sender[],
  { count, perSecond }: { count: number; perSecond?: number },
): Promise<Seen> {
  const client = fork(fileURLToPath(new URL('../bundles/client.ts', import.meta.url)))
  const task: Task = {
    gateway: network.sequencer.wsUrl,
    chainIds: rollups,
    bundles: Array.from({ length: Math.ceil(count) }, (_, i) => {
      const sender = i % senders.length
      const chains = [0, 1].map((k) => rollups[(i + k) % rollups.length]!)
      const txs = chains.map((chainId) => plainLeg(senders[sender]!, chainId))
      return { sender, text: JSON.stringify({ txs }) }
    }),
    perSecond,
    inFlight,
  }
  client.send(task)
  const [seen] = (await once(client, 'message')) as [Seen]
  client.disconnect()
  await once(client, 'exit')
  if (seen.errors > 0) throw new Error(`${seen.errors} were refused: ${seen.firstError}`)
  return seen
}

/** How many superblocks were published, and how long that took in all. */
async function superblockTimes({
  network,
}: BenchNetwork): Promise<{ count: number; seconds: number }> {
  const response = await fetch(new URL('/metrics', network.sequencer.rpcUrl))
  const text = await response.text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return {
    count: value('tandem_superblock_seconds_count'),
    seconds: value('tandem_superblock_seconds_sum'),
  }
}

/** Memory that a process has in use, in megabytes. */
function residentMb(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return round((pages * 4_096) / 1e6)
}

function mean(windows: readonly Window[]): Window {
  const of = (key: keyof Window) =>
    round(windows.reduce((sum, window) => sum + window[key], 0) / windows.length)
  return {
    superblockMs: of('superblockMs'),
    receiptMsP50: of('receiptMsP50'),
    residentMb: of('residentMb'),
    nodesMb: of('nodesMb'),
  }
}
