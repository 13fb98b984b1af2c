import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keccak256, stringToBytes } from 'viem'
import { createDirectories, layoutOf, type Layout } from '../../../cli/network/layout.ts'
import { prepareNetwork } from '../../../cli/network/prepare.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import { freeBase } from '../../fixtures/running-network.ts'
import { logger, sink } from './legs.ts'

const sequencerMain = fileURLToPath(new URL('../../../sequencer/main.ts', import.meta.url))
const richWei = 10n ** 24n

/** A sequencer with its rollups' nodes, and nobody else. */
export type BenchNetwork = {
  network: Network
  layout: Layout
  /** Rollups that carry legs; the hub is not among them. */
  rollups: readonly number[]
  genesisFile: (chainId: number) => string
  pid: number
  /** Stops the sequencer and its nodes; the files stay. */
  stopSequencer: () => Promise<void>
  /** Stops what runs and removes the files. */
  stop: () => Promise<void>
}

/** The files of a network on which nothing ran yet. */
export type BenchFiles = Pick<BenchNetwork, 'network' | 'layout' | 'rollups' | 'genesisFile'>

/**
 * Writes the files of a network with a hub and some rollups. In the rollups' genesis the senders are
 * rich and the contracts that legs call are there.
 */
export async function prepareBenchNetwork(
  directory: string,
  { rollupCount, senders }: { rollupCount: number; senders: readonly Address[] },
): Promise<BenchFiles> {
  const layout = layoutOf(directory)
  createDirectories(layout)
  const portBase = await freeBase()
  const { network } = prepareNetwork({ layout, fresh: true, rollups: rollupCount, portBase })
  const genesisFile = (chainId: number) => join(layout.genesis, `${chainId}.json`)
  const rollups = network.chains.filter(({ kind }) => kind === 'rollup')
  for (const chain of rollups) {
    chain.genesisHash = enrich(genesisFile(chain.chainId), senders)
  }
  writeFileSync(layout.networkFile, JSON.stringify(network))
  return { network, layout, rollups: rollups.map(({ chainId }) => chainId), genesisFile }
}

/** Starts a network's sequencer; gives its process once it is ready. */
export async function startSequencer(
  { networkFile, sequencer }: Layout,
  environment: NodeJS.ProcessEnv = {},
): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [sequencerMain, '--network', networkFile, '--state', sequencer],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, ...environment } },
  )
  await ready(child)
  return child
}

/**
 * Starts a sequencer over a hub and some rollups in a directory of its own. In their genesis the
 * senders are rich and the contracts that legs call are there.
 */
export async function startBenchNetwork(
  rollupCount: number,
  senders: readonly Address[],
): Promise<BenchNetwork> {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
  const files = await prepareBenchNetwork(directory, { rollupCount, senders })
  const child = await startSequencer(files.layout)
  const stopSequencer = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return {
    ...files,
    pid: child.pid!,
    stopSequencer,
    stop: async () => {
      await stopSequencer()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Adds accounts to a genesis file; gives the hash of its new text. */
function enrich(file: string, senders: readonly Address[]): Hex {
  const genesis = JSON.parse(readFileSync(file, 'utf8')) as { alloc: Record<string, unknown> }
  for (const { address, code } of [logger, sink]) genesis.alloc[address] = { balance: '0x0', code }
  for (const address of senders) {
    genesis.alloc[address.toLowerCase()] = { balance: `0x${richWei.toString(16)}` }
  }
  const text = JSON.stringify(genesis)
  writeFileSync(file, text)
  return keccak256(stringToBytes(text))
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code) => reject(new Error(`The sequencer ended with ${code}.`)))
  })
}
