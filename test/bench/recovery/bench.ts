import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { layoutOf, type Layout } from '../../../cli/network/layout.ts'
import { loadNetwork } from '../../../sdk/process/network.ts'
import { readProcesses } from '../../../sdk/process/pids.ts'
import { replayNetwork } from '../../../sequencer/follow/start-replay.ts'
import { openDisk } from '../../../sequencer/shell/log/disk.ts'
import { readFileLog } from '../../../sequencer/shell/log/file-log.ts'
import { countOption } from '../arguments.ts'
import type { Seen, Task } from '../bundles/client.ts'
import { makeSenders, plainLeg, type Sender } from '../bundles/legs.ts'
import { prepareBenchNetwork, startSequencer, type BenchFiles } from '../bundles/network.ts'
import { percentiles, progress, round, type Report } from '../report.ts'
import { makeHistory } from './make-history.ts'

export const summary = 'time from kill -9 of everything to ready, and blocks replayed a second'

const rollupCount = 2
const senderCount = 64
const historySlots = 100_000

/**
 * Makes a history, then kills sequencer and nodes under load and measures how long the next start
 * takes to be ready; then derives a part of the history again on fresh nodes.
 * `--slots N` of history (100,000), `--kills N` (5), `--bundles N` before each kill (500),
 * `--replay N` slots to derive again (10,000), `--directory D` where the network is kept and, if it is
 * there, used again.
 */
export async function run(options: ReadonlyMap<string, string>): Promise<Report> {
  const slots = countOption(options, 'slots', historySlots)
  const kills = countOption(options, 'kills', 5)
  const bundles = countOption(options, 'bundles', 500)
  const kept = options.get('directory')
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'tandem-recovery-'))
  const senders = makeSenders(senderCount)
  const restarts: number[] = []
  try {
    const { files, madeS } = await historyIn(directory, { slots, senders })
    progress('a start and a stop on order')
    await end(await startSequencer(files.layout), files, 'SIGTERM')
    for (let kill = 0; kill < kills; kill++) {
      const sequencer = await startSequencer(files.layout)
      await load(files, { senders, bundles })
      await end(sequencer, files, 'SIGKILL')
      const startMs = performance.now()
      const again = await startSequencer(files.layout)
      await answers(files)
      restarts.push(performance.now() - startMs)
      progress(`ready ${Math.round(restarts.at(-1)!)} ms after the start that follows a kill`)
      await end(again, files, 'SIGKILL')
    }
    const log = await readFileLog(await openDisk(join(files.layout.sequencer, 'log')))
    const replay = await replayPart(files, countOption(options, 'replay', 10_000))
    return {
      ...replay,
      readyMs: round(percentiles(restarts).p50),
      readyMsMax: round(Math.max(...restarts)),
      history: {
        slots: log.tip(),
        madeS,
        made: 'engine, log and drivers of the product over real nodes, one transaction a slot, waiting left out',
      },
      sizes: {
        rollups: rollupCount,
        hub: 1,
        kills,
        bundlesBeforeKill: bundles,
        senders: senderCount,
      },
    }
  } finally {
    if (kept === undefined) rmSync(directory, { recursive: true, force: true })
  }
}

/** A history of so many slots at least: what is there of it is gone on with. */
async function historyIn(
  directory: string,
  { slots, senders }: { slots: number; senders: readonly Sender[] },
): Promise<{ files: BenchFiles; madeS: number }> {
  mkdirSync(directory, { recursive: true })
  const layout = layoutOf(directory)
  const files = existsSync(layout.networkFile)
    ? filesOf(layout)
    : await prepareBenchNetwork(directory, {
        rollupCount,
        senders: senders.map(({ address }) => address),
      })
  progress(`a history of ${slots} slots`)
  const startMs = performance.now()
  await makeHistory(files, { slots, senders })
  return { files, madeS: round((performance.now() - startMs) / 1_000) }
}

function filesOf(layout: Layout): BenchFiles {
  const network = loadNetwork(layout.networkFile)
  const rollups = network.chains.flatMap(({ kind, chainId }) =>
    kind === 'rollup' ? [chainId] : [],
  )
  const genesisFile = (chainId: number) => join(layout.genesis, `${chainId}.json`)
  return { network, layout, rollups, genesisFile }
}

/** Makes every sender go on where the rollups say. */
async function learnNonces(files: BenchFiles, senders: readonly Sender[]): Promise<void> {
  for (const chainId of files.rollups) {
    for (const sender of senders) {
      // oxlint-disable-next-line no-await-in-loop -- before the clock runs
      const nonce = await ask(files, chainId, 'eth_getTransactionCount', [
        sender.address,
        'pending',
      ])
      sender.nonces.set(chainId, Number(nonce))
    }
  }
}

async function ask(
  { network }: BenchFiles,
  chainId: number,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const response = await fetch(new URL(`/chain/${chainId}`, network.sequencer.rpcUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result } = (await response.json()) as { result?: unknown }
  if (result === undefined || result === null) throw new Error(`${method} on ${chainId}: no answer`)
  return result
}

/** Two-leg bundles as fast as they are answered, from a process of its own. */
async function load(
  files: BenchFiles,
  { senders, bundles }: { senders: readonly Sender[]; bundles: number },
): Promise<void> {
  await learnNonces(files, senders)
  const client = fork(fileURLToPath(new URL('../bundles/client.ts', import.meta.url)))
  const { network, rollups } = files
  const task: Task = {
    gateway: network.sequencer.wsUrl,
    chainIds: rollups,
    bundles: Array.from({ length: bundles }, (_, i) => {
      const sender = i % senders.length
      const txs = rollups.map((chainId) => plainLeg(senders[sender]!, chainId))
      return { sender, text: JSON.stringify({ txs }) }
    }),
    inFlight: 64,
  }
  client.send(task)
  const [seen] = (await once(client, 'message')) as [Seen]
  client.disconnect()
  await once(client, 'exit')
  if (seen.errors > 0) throw new Error(`${seen.errors} were refused: ${seen.firstError}`)
}

/** Ends the sequencer; with SIGKILL its nodes at the same time. */
async function end(
  child: ChildProcess,
  { layout }: BenchFiles,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  const exited = once(child, 'exit')
  const nodes = signal === 'SIGKILL' ? readProcesses(layout.pidFile) : []
  child.kill(signal)
  for (const { pid } of nodes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }
  await exited
}

/** Every rollup answers at its endpoint. */
async function answers(files: BenchFiles): Promise<void> {
  await Promise.all(
    files.rollups.map((chainId) => ask(files, chainId, 'eth_getBlockByNumber', ['latest', true])),
  )
}

async function replayPart({ network, layout }: BenchFiles, slots: number): Promise<Report> {
  progress(`${slots} slots on fresh nodes`)
  const directory = mkdtempSync(join(tmpdir(), 'tandem-replay-'))
  const startMs = performance.now()
  try {
    const { slot, blocks } = await replayNetwork({
      ...{ network, directory },
      state: layout.sequencer,
      genesis: layout.genesis,
      execute: true,
      until: slots,
      progress: () => undefined,
    })
    const seconds = (performance.now() - startMs) / 1_000
    return {
      replayBlocksPerSecond: round(blocks / seconds),
      replaySlotsPerSecond: round(slot / seconds),
      replayed: { slots: slot, blocks, seconds: round(seconds) },
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
