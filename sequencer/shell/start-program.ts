import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import type { ProcessContext, Running } from '../../sdk/process/run.ts'
import type { Hash, Hex } from '../../sdk/protocol/hex.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { CoreConfig } from '../core/config.ts'
import {
  BLOCK_GAS_LIMIT,
  coreConfig,
  GENESIS_TIMESTAMP_S,
  readSettings,
  type SequencerSettings,
} from './config.ts'
import { createAnvilDriver } from './drivers/anvil-driver.ts'
import type { ChainDriver } from './drivers/driver.ts'
import { createSignal } from './drivers/serial.ts'
import { startEngine, type Engine } from './engine/engine.ts'
import type { RecoverySettings } from './engine/options.ts'
import { enginePort } from './engine/engine-port.ts'
import { readinessOf } from './engine/readiness.ts'
import type { Faultpoint } from './faults.ts'
import { startGateway } from './gateway/server.ts'
import type { SlotSource } from './gateway/slot-feed.ts'
import { openHistory, type History } from './history/history.ts'
import { openDisk } from './log/disk.ts'
import { openFileLog } from './log/file-log.ts'
import type { FeedSet } from './marks.ts'
import { createObserver, type Observer } from './observer.ts'
import { startPosting, type Posting } from './posting/start-posting.ts'
import type { BlockTags } from './posting/tags.ts'
import { decodeTransaction, type TransactionRules } from './drivers/transaction.ts'
import { openWaitingRoom } from './waiting/waiting-room.ts'
import { TandemError } from '../../sdk/protocol/errors.ts'
import { openRecoveryPoints } from './recovery/points.ts'
import { createMarginProbe } from './risk/margin-probe.ts'
import { startRisk, type Risk } from './risk/start-risk.ts'
import { digestSigner, systemSigner } from './signing.ts'

const VERSION = 'tandem/0.1.0'

/**
 * Reads the sequencer's arguments and environment, and starts it: gateway, engine, log, drivers and
 * the risk signer of one network.
 *
 * @throws ConfigError when an argument, a variable or the network file breaks a rule.
 */
export async function startSequencerProgram(
  context: ProcessContext,
  faultpoint: Faultpoint,
): Promise<Running> {
  const options = readArguments()
  const settings = readSettings()
  const network = loadNetwork(options.network)
  const state = options.state ?? join(dirname(options.network), 'sequencer')
  const config = coreConfig(network, settings)
  const observer = createObserver(context.log, context.registry)
  const drivers = createDrivers(config, { state, observer, directory: dirname(options.network) })
  const { log, repairedBytes } = await openFileLog(await openDisk(join(state, 'log')))
  if (repairedBytes > 0) context.log.warn({ repairedBytes }, 'torn end of the log cut off')
  const waiting = await openWaitingRoom(await openDisk(join(state, 'waiting')))
  const durable = createSignal()
  const signDigest = digestSigner(loadRoleKey('sequencer', network).privateKey)
  // The engine asks before the risk engine, which needs it, is there.
  const later: { risk?: Risk | undefined } = {}
  const engine: Engine = await startEngine({
    config,
    genesisHashes: new Map(network.chains.map((c) => [c.chainId, c.genesisHash as Hash])),
    log,
    drivers,
    signDigest,
    signSystem: systemSigner(loadRoleKey('system', network).privateKey),
    feeds: feedsOf(network),
    margin: createMarginProbe(network, {
      nowMs: () => engine.state.timestampMs,
      marks: () => later.risk?.inForce(),
    }),
    clock: { nowMs: () => Date.now(), elapsedMs: () => performance.now(), after },
    points: openRecoveryPoints(await openDisk(join(state, 'recovery')), config),
    recovery: recoveryOf(settings, () => posting?.tags.slots().final),
    waiting,
    decodeLeg: (chainId, rawTx) => decodeTransaction(rawTx, rulesOf(config, chainId)),
    observe: (event) => {
      observer.engine(event)
      if (event.type === 'slot') durable.notify()
    },
    faultpoint,
    fail: context.fail,
  })
  const posting: Posting | undefined = startPosting(context, {
    network,
    settings,
    engine,
    log,
    signDigest,
  })
  const directory = join(state, 'history')
  const history = await startHistory(context, { directory, tip: log.tip(), engine })
  const slots: SlotSource = { logId: config.logId, log, durable, signDigest }
  const risk = await openRisk(context, { network, settings, config, engine, drivers, history })
  later.risk = risk
  const tags = posting?.tags
  const parts = { network, config, drivers, engine, tags, slots, history, risk }
  const close = await serve(context, parts)
  return {
    stop: async () => {
      await close()
      await risk?.stop()
      await posting?.stop()
      await engine.stop()
      history.close()
      await waiting.close()
      await log.close()
    },
  }
}

function feedsOf({ logId, publisher }: Network): FeedSet {
  const { feeds, threshold } = publisher
  return { logId: logId as Hash, feeds: feeds as Hex[], threshold }
}

/**
 * When recovery points are made, and what of the log is given up behind them.
 *
 * @param final - Last slot that is final on `l1`: later ones may have to be posted again.
 */
function recoveryOf(
  settings: SequencerSettings,
  final: () => number | undefined,
): RecoverySettings {
  return {
    blocks: settings.SEQUENCER_SNAPSHOT_BLOCKS,
    slots: settings.SEQUENCER_SNAPSHOT_SLOTS,
    legs: settings.SEQUENCER_SNAPSHOT_LEGS,
    ...(settings.SEQUENCER_LOG_KEEP === 'recovery' ? { pruneBelow: () => final() ?? 0 } : {}),
  }
}

function readArguments(): { network: string; state?: string | undefined } {
  const { values } = parseArgs({
    options: {
      network: { type: 'string', default: NETWORK_FILE_DEFAULT },
      state: { type: 'string' },
    },
  })
  return values
}

/** What a rollup asks of every transaction. */
function rulesOf({ chains }: CoreConfig, chainId: number): TransactionRules {
  const chain = chains.find((item) => item.chainId === chainId)
  if (chain === undefined) {
    const known = chains.map((item) => item.chainId).join(', ')
    throw new TandemError('UNKNOWN_CHAIN', { chainId, known })
  }
  return { chainId, baseFeePerGas: chain.baseFeePerGas, gasMax: BigInt(LIMITS.legGas) }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

function createDrivers(
  config: CoreConfig,
  { state, directory, observer }: { state: string; directory: string; observer: Observer },
): Map<number, ChainDriver> {
  const closed = join(directory, 'private')
  return new Map(
    config.chains.map(({ chainId, baseFeePerGas }) => [
      chainId,
      createAnvilDriver({
        chainId,
        genesisFile: join(directory, 'genesis', `${chainId}.json`),
        genesisTimestampS: GENESIS_TIMESTAMP_S,
        baseFeePerGas,
        gasLimit: BLOCK_GAS_LIMIT,
        directory: join(closed, 'nodes'),
        snapshotDirectory: join(state, 'snapshots', `${chainId}`),
        pidFile: join(closed, 'pids.json'),
        alert: observer.driver,
      }),
    ]),
  )
}

/** Opens the history on disk and brings it to what is published. */
async function startHistory(
  { log, fail }: ProcessContext,
  { directory, tip, engine }: { directory: string; tip: number; engine: Engine },
): Promise<History> {
  const { chains, logId } = engine.options.config
  const chainIds = chains.map(({ chainId }) => chainId)
  const { history, remade } = openHistory({ directory, logId, chainIds, tip, fail })
  if (remade !== undefined) log.warn({ reason: remade }, 'history is made again from the log')
  await engine.publications.subscribe(history.apply, history.place())
  return history
}

/** Starts the risk engine over the hub's node. */
function openRisk(
  { log }: ProcessContext,
  parts: {
    network: Network
    settings: SequencerSettings
    config: CoreConfig
    engine: Engine
    drivers: ReadonlyMap<number, ChainDriver>
    history: History
  },
): Promise<Risk | undefined> {
  const { network, settings, config, engine, drivers, history } = parts
  const hub = drivers.get(config.chains.find(({ isHub }) => isHub)?.chainId ?? 0)
  const key = loadRoleKey('risk', network).privateKey
  return startRisk(log, { network, settings, engine, hub, history, key })
}

async function serve(
  { log, registry, fail }: ProcessContext,
  parts: {
    network: Network
    config: CoreConfig
    drivers: ReadonlyMap<number, ChainDriver>
    engine: Engine
    tags: BlockTags | undefined
    slots: SlotSource
    history: History
    risk: Risk | undefined
  },
): Promise<() => Promise<void>> {
  const { network, config, drivers, engine, tags, slots, history, risk } = parts
  const sequencer = enginePort(engine)
  const gateway = await startGateway({
    port: Number(new URL(network.sequencer.rpcUrl).port),
    logId: config.logId,
    chains: config.chains.map(({ chainId }) => ({
      rules: rulesOf(config, chainId),
      reader: drivers.get(chainId) as ChainDriver,
    })),
    sequencer,
    history,
    tags,
    slots,
    operator: config.leader,
    guests: risk?.methods,
    version: VERSION,
    registry,
    readiness: () => readinessOf(engine, performance.now()),
    log,
    fail,
  })
  return gateway.close
}
