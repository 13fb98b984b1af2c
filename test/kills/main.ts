// `npm run kills -- --rounds N [--seed TEXT]`: kills the sequencer and every node at once, at random
// moments under load, and checks what clients were told against what is there afterwards.
import { deepStrictEqual } from 'node:assert'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ChildProcess } from 'node:child_process'
import { readProcesses } from '../../sdk/process/pids.ts'
import { replayNetwork } from '../../sequencer/follow/start-replay.ts'
import { makeSenders } from '../bench/bundles/legs.ts'
import { prepareBenchNetwork, startSequencer, type BenchFiles } from '../bench/bundles/network.ts'
import { randomOf } from '../fixtures/sequencer/random.ts'
import { ask, startTraffic, type Sent, type Traffic } from './traffic.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: 'kills' },
  },
})
const rounds = Number(values.rounds)
const random = randomOf(values.seed)
const senderCount = 24
const killAfterMsMax = 2_000
/** Recovery points come often, so that kills meet them being written. */
const environment = { SEQUENCER_SNAPSHOT_BLOCKS: '12' }

const directory = mkdtempSync(join(tmpdir(), 'tandem-kills-'))
const senders = makeSenders(senderCount)
const addresses = senders.map(({ address }) => address)
const files = await prepareBenchNetwork(directory, { rollupCount: 2, senders: addresses })
const startedMs = performance.now()
const readyMs: number[] = []
let sequencer = await startSequencer(files.layout, environment)
const traffic = startTraffic(files, senders)
try {
  for (let round = 1; round <= rounds; round++) {
    await pause(random.below(killAfterMsMax))
    const acknowledged = traffic.sent.filter(({ receipts }) => receipts.length > 0)
    await killAll(sequencer)
    const restartMs = performance.now()
    sequencer = await startSequencer(files.layout, environment)
    readyMs.push(performance.now() - restartMs)
    await checkAcknowledged(traffic, acknowledged.slice(-senderCount))
    process.stderr.write(
      `… ${round} of ${rounds}: ${acknowledged.length} bundles acknowledged, ready in ${Math.round(readyMs.at(-1)!)} ms\n`,
    )
  }
  await traffic.stop()
  const summary = await checkAll(files, traffic)
  const exited = once(sequencer, 'exit')
  sequencer.kill('SIGTERM')
  await exited
  const { slot, blocks } = await replay(files)
  const seconds = Math.round((performance.now() - startedMs) / 1_000)
  const result = { ok: true, rounds, ...summary, slots: slot, blocks, seconds }
  const worst = Math.round(Math.max(...readyMs))
  process.stdout.write(`${JSON.stringify({ ...result, readyMsMax: worst })}\n`)
} finally {
  await killAll(sequencer)
  rmSync(directory, { recursive: true, force: true })
}
process.exit(0)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Ends the sequencer and all its nodes at once; none of them can do anything about it. */
async function killAll(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const nodes = readProcesses(files.layout.pidFile)
  child.kill('SIGKILL')
  for (const { pid } of nodes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }
  await exited
}

/** What was acknowledged stands, and whoever sends it again gets the first receipt (I6, I16). */
async function checkAcknowledged(clients: Traffic, bundles: readonly Sent[]): Promise<void> {
  for (const bundle of bundles) {
    await clients.again(bundle)
    for (const receipt of bundle.receipts) deepStrictEqual(receipt, bundle.receipts[0])
  }
}

/** Every bundle stands whole or not at all (I4), and every acknowledged one stands (I16). */
async function checkAll(network: BenchFiles, { sent, faults }: Traffic) {
  let standing = 0
  for (const { legs, hashes, receipts } of sent) {
    const found = await Promise.all(
      hashes.map(async (hash, i) => {
        const path = `/chain/${legs[i]!.chainId}`
        const answer = await ask(network, path, {
          method: 'eth_getTransactionReceipt',
          params: [hash],
        })
        if (answer === undefined || answer.error !== undefined) throw new Error('nobody answers')
        return answer.result as { status: string; blockNumber: string } | null
      }),
    )
    const there = found.filter((receipt) => receipt?.status === '0x1').length
    if (there !== 0 && there !== legs.length) throw new Error(`a bundle is split: ${hashes.join()}`)
    if (receipts.length > 0 && there === 0) throw new Error(`a bundle is lost: ${hashes.join()}`)
    const [first] = receipts
    for (const [i, { blockNumber }] of (first?.results ?? []).entries()) {
      deepStrictEqual(BigInt(found[i]!.blockNumber), BigInt(blockNumber))
    }
    if (there > 0) standing += 1
  }
  if (faults.length > 0) throw new Error(`${faults.length} refused, first: ${faults[0]}`)
  const acknowledged = sent.filter(({ receipts }) => receipts.length > 0).length
  return { bundles: sent.length, acknowledged, standing }
}

/** Every block follows from the log, on nodes that nobody killed (I3). */
async function replay({ network, layout }: BenchFiles) {
  const place = mkdtempSync(join(tmpdir(), 'tandem-kills-replay-'))
  try {
    return await replayNetwork({
      ...{ network, directory: place, execute: true },
      state: layout.sequencer,
      genesis: layout.genesis,
      progress: () => undefined,
    })
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}
