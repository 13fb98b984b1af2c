import { memoryDisk } from '../fixtures/sequencer/memory-disk.ts'
import { chainMachine, driverDouble, signDouble, type ChainMachine } from '../fixtures/sequencer/driver-double.ts'
import { CONTRACT } from '../fixtures/sequencer/chain-double.ts'
import type { Random } from '../fixtures/sequencer/random.ts'
import { createScheduler, type Scheduler } from '../fixtures/sequencer/scheduler.ts'
import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import type { CoreConfig } from '../../sequencer/core/config.ts'
import { startEngine, type Engine } from '../../sequencer/shell/engine/engine.ts'
import { enginePort } from '../../sequencer/shell/engine/engine-port.ts'
import type { EngineEvent } from '../../sequencer/shell/engine/options.ts'
import { openFileLog } from '../../sequencer/shell/log/file-log.ts'
import type { Disk } from '../../sequencer/shell/log/disk.ts'
import type { PublishedSuperblock, SequencerPort } from '../../sequencer/shell/port.ts'
import { digestSigner } from '../../sequencer/shell/signing.ts'

/** Chains of the simulated network: the first is the hub. */
export const CHAIN_IDS = [901, 902, 903] as const

export const SEQUENCER_KEY = `0x${'11'.repeat(32)}` as const
export const SEQUENCER: Address = '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a'
export const SYSTEM: Address = `0x${'f'.repeat(40)}`
export const START_MS = 1_795_000_000_000
const COINS = 10n ** 15n

/** Senders of the simulated network. */
export const USERS: readonly Address[] = [1, 2, 3, 4, 5].map(
  (i): Address => `0x${i.toString(16).padStart(40, '0')}`,
)

export const logId: Hash = `0x${'b'.repeat(64)}`

/** Configuration of the simulated network. */
export const CONFIG: CoreConfig = {
  logId,
  leader: SEQUENCER,
  system: SYSTEM,
  chains: CHAIN_IDS.map((chainId) => ({
    chainId,
    isHub: chainId === CHAIN_IDS[0],
    baseFeePerGas: 1n,
    gasLimit: 1_000_000_000n,
    coinbase: `0x${'0'.repeat(40)}`,
    mailbox: CONTRACT.mailbox,
    slotContext: CONTRACT.slotContext,
    markFeeds: CONTRACT.marks,
    credit: [CONTRACT.credit],
    byRelayer: [],
  })),
  checkAfterSelector: '0xc4ec4af7',
  slotIntervalMs: 5,
  superblockMs: 100,
  idleCloseMs: 10,
  heartbeatMs: 1_000,
}

/** A process of the sequencer that runs. */
export type Process = {
  engine: Engine
  port: SequencerPort
}

/** The simulated machine: its disk, its rollups' nodes, and at most one sequencer process. */
export type World = {
  scheduler: Scheduler
  disk: ReturnType<typeof memoryDisk>
  machines: Map<number, ChainMachine>
  events: EngineEvent[]
  /** What readers saw, in order, over all processes. */
  seen: PublishedSuperblock[]
  failures: unknown[]
  boot: () => Promise<Process>
  /** Ends the process between two of its steps. */
  kill: (random: Random) => void
}

/** Makes a machine on which nothing ran yet. */
export function createWorld(random: Random): World {
  const scheduler = createScheduler(random.fork('schedule'), START_MS)
  const disk = memoryDisk(() => scheduler.turn('disk'))
  const machines = freshMachines()
  const world: World = {
    scheduler,
    disk,
    machines,
    events: [],
    seen: [],
    failures: [],
    boot: () => boot(world, disk),
    kill: (faults) => {
      scheduler.forget()
      disk.crash(faults)
    },
  }
  return world
}

/** Nodes that start from genesis. */
export function freshMachines(): Map<number, ChainMachine> {
  return new Map(
    CHAIN_IDS.map((chainId) => [chainId, chainMachine(chainId, [...USERS, SYSTEM], COINS)]),
  )
}

/** Starts a sequencer; operations wait for the scheduler, so it runs while the process starts. */
export async function boot(world: World, disk: Disk): Promise<Process> {
  const starting = startProcess(world, disk)
  let done = false
  starting.then(
    () => (done = true),
    () => (done = true),
  )
  while (!done) {
    if (!(await world.scheduler.step())) await new Promise((resolve) => setImmediate(resolve))
  }
  return starting
}

async function startProcess(world: World, disk: Disk): Promise<Process> {
  const { scheduler, machines } = world
  const { log } = await openFileLog(disk)
  const engine = await startEngine({
    config: CONFIG,
    genesisHashes: new Map(CHAIN_IDS.map((chainId) => [chainId, logId])),
    log,
    drivers: new Map(
      CHAIN_IDS.map((chainId) => [
        chainId,
        driverDouble(machines.get(chainId) as ChainMachine, () => scheduler.turn(`node ${chainId}`)),
      ]),
    ),
    signDigest: digestSigner(SEQUENCER_KEY),
    signSystem: signDouble,
    feeds: { logId, feeds: [], threshold: 1 },
    clock: scheduler.clock,
    snapshotBlocks: 7,
    observe: (event) => world.events.push(event),
    fail: (error) => world.failures.push(error),
  })
  const port = enginePort(engine)
  await port.subscribe((superblock) => world.seen.push(superblock))
  return { engine, port }
}
