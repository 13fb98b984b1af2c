import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { readProcesses } from '../../../sdk/process/pids.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { countOption } from '../arguments.ts'
import { processorMs } from '../processor.ts'
import { percentiles, progress, round, type Report } from '../report.ts'
import type { Seen, Task } from './client.ts'
import { makeSenders, messageLeg, plainLeg, type Leg, type Sender } from './legs.ts'
import { startBenchNetwork, type BenchNetwork } from './network.ts'
import { rawRate } from './raw.ts'

export const summary = 'two-leg bundles over three rollups: rate, receipts, ratio to bare nodes'

const rollupCount = 3
const senderCount = 64
const inFlight = 256
const loads = [0.5, 0.8, 1] as const

type Bundle = { sender: number; legs: readonly Leg[] }

/**
 * Measures bundles a second when the sequencer is saturated, receipts at fractions of that rate, and
 * the same legs put on bare nodes.
 * `--bundles N` bundles when saturated (4,000), `--seconds N` at each lower load (5).
 */
export async function run(options: ReadonlyMap<string, string>): Promise<Report> {
  const count = countOption(options, 'bundles', 4_000)
  const seconds = countOption(options, 'seconds', 5)
  const senders = makeSenders(senderCount)
  progress('a sequencer over a hub and three rollups')
  const running = await startBenchNetwork(
    rollupCount,
    senders.map(({ address }) => address),
  )
  const client = fork(fileURLToPath(new URL('./client.ts', import.meta.url)))
  try {
    const { rollups, genesisFile } = running
    const make = (n: number) => plainBundles(senders, rollups, n)
    const send = sender(client, running)

    const warm = make(count / 4)
    await send('warm-up', warm)
    const timed = make(count)
    const used = watchProcessor({
      sequencer: [running.pid],
      nodes: nodesOf(running),
      client: [client.pid!],
    })
    const full = await send(`${count} bundles, saturated`, timed)
    const processorMsPerBundle = used(count)
    const perSecond = count / (full.elapsedMs / 1_000)
    const atLoad: Record<string, unknown> = {}
    for (const load of loads) {
      const rate = perSecond * load
      const seen = await send(`${load * 100} % load`, make(Math.ceil(rate * seconds)), rate)
      atLoad[`${load * 100}%`] = latencies(seen)
    }
    const withMessages = await measureMessages(running, { senders, send, count: count / 4 })
    await stop(client)
    await running.stopSequencer()

    progress('the same legs on bare nodes')
    const raw = await rawRate(genesisFile, {
      chainIds: rollups,
      warm: warm.map(({ legs }) => legs),
      timed: timed.map(({ legs }) => legs),
    })
    return {
      bundlesPerSecond: round(perSecond),
      legsPerSecond: round(perSecond * 2),
      ratioToRaw: round(perSecond / raw.bundlesPerSecond),
      rawBundlesPerSecond: round(raw.bundlesPerSecond),
      processorMsPerBundle: { ...processorMsPerBundle, raw: raw.processorMsPerBundle },
      ...(atLoad['50%'] as Report),
      atLoad,
      saturated: latencies(full),
      withMessages,
      sizes: { rollups: rollupCount, legsPerBundle: 2, senders: senderCount, inFlight, count },
    }
  } finally {
    await stop(client)
    await running.stop()
  }
}

function nodesOf({ layout }: BenchNetwork): number[] {
  const nodes = readProcesses(layout.pidFile).filter(({ name }) => name.startsWith('node-'))
  return nodes.map(({ pid }) => pid)
}

/** Processor time that groups of processes use from now on, for each of so many bundles. */
function watchProcessor(groups: Record<string, readonly number[]>): (bundles: number) => Report {
  const before = Object.entries(groups).map(([name, pids]) => ({
    name,
    pids,
    ms: processorMs(pids),
  }))
  return (bundles) =>
    Object.fromEntries(
      before.map(({ name, pids, ms }) => [name, round((processorMs(pids) - ms) / bundles)]),
    )
}

type Send = (title: string, bundles: readonly Bundle[], perSecond?: number) => Promise<Seen>

function sender(client: ChildProcess, { network, rollups }: BenchNetwork): Send {
  return async (title, bundles, perSecond) => {
    progress(title)
    const task: Task = {
      gateway: network.sequencer.wsUrl,
      chainIds: rollups,
      bundles: bundles.map(({ sender: index, legs }) => ({
        sender: index,
        text: JSON.stringify({ txs: legs }),
      })),
      perSecond,
      inFlight,
    }
    client.send(task)
    const [seen] = (await once(client, 'message')) as [Seen]
    if (seen.errors > 0) {
      throw new Error(`${seen.errors} of ${bundles.length} were refused: ${seen.firstError}`)
    }
    return seen
  }
}

/** Half of the bundles carry a message that is delivered in their slot. */
async function measureMessages(
  { network, rollups }: BenchNetwork,
  { senders, send, count }: { senders: readonly Sender[]; send: Send; count: number },
): Promise<Report> {
  const mailboxes = new Map(
    network.chains.map((chain) => [chain.chainId, chain.contracts['mailbox'] as Address]),
  )
  const bundles = Array.from({ length: count }, (_, i): Bundle => {
    const index = i % senders.length
    const [one, two] = pair(rollups, i)
    const who = senders[index]!
    const first =
      i % 2 === 0
        ? messageLeg(who, { chainId: one, to: two, mailbox: mailboxes.get(one)!, feeWei: 0n })
        : plainLeg(who, one)
    return { sender: index, legs: [first, plainLeg(who, two)] }
  })
  const seen = await send(`${count} bundles, half with a message`, bundles)
  return { bundlesPerSecond: round(count / (seen.elapsedMs / 1_000)), ...latencies(seen) }
}

function plainBundles(
  senders: readonly Sender[],
  rollups: readonly number[],
  count: number,
): readonly Bundle[] {
  return Array.from({ length: Math.ceil(count) }, (_, i) => {
    const index = i % senders.length
    const legs = pair(rollups, i).map((chainId) => plainLeg(senders[index]!, chainId))
    return { sender: index, legs }
  })
}

function pair(rollups: readonly number[], i: number): [number, number] {
  return [rollups[i % rollups.length]!, rollups[(i + 1) % rollups.length]!]
}

function latencies(seen: Seen): Report {
  return { receiptMs: percentiles(seen.receiptMs), softMs: percentiles(seen.softMs) }
}

async function stop(client: ChildProcess): Promise<void> {
  if (client.exitCode !== null || !client.connected) return
  client.disconnect()
  await once(client, 'exit')
}
