import { join } from 'node:path'
import { developmentKey } from '../../../sdk/process/keys.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import {
  BLOCK_GAS_LIMIT,
  coreConfig,
  GENESIS_TIMESTAMP_S,
  readSettings,
} from '../../../sequencer/shell/config.ts'
import { createAnvilDriver } from '../../../sequencer/shell/drivers/anvil-driver.ts'
import { decodeTransaction } from '../../../sequencer/shell/drivers/transaction.ts'
import { enginePort } from '../../../sequencer/shell/engine/engine-port.ts'
import { startEngine } from '../../../sequencer/shell/engine/engine.ts'
import type { Clock } from '../../../sequencer/shell/engine/options.ts'
import { openDisk } from '../../../sequencer/shell/log/disk.ts'
import { openFileLog } from '../../../sequencer/shell/log/file-log.ts'
import { openRecoveryPoints } from '../../../sequencer/shell/recovery/points.ts'
import { digestSigner, systemSigner } from '../../../sequencer/shell/signing.ts'
import { openWaitingRoom } from '../../../sequencer/shell/waiting/waiting-room.ts'
import { plainLeg, type Sender } from '../bundles/legs.ts'
import type { BenchFiles } from '../bundles/network.ts'
import { progress } from '../report.ts'

const tellEverySlots = 5_000
/** Time that a slot takes at most by the clock of the history. */
const slotMsMax = 50

/**
 * Makes a history of many slots: the product's engine, log and drivers in this process over real
 * nodes, one transaction a slot on the rollups in turn, under a clock that jumps to the next moment
 * at which the engine wants to do something. Slots, superblocks and blocks are as at full speed with
 * one transaction each 5 ms; only the waiting is left out.
 */
export async function makeHistory(
  files: BenchFiles,
  { slots, senders }: { slots: number; senders: readonly Sender[] },
): Promise<void> {
  const { layout, network, rollups } = files
  const config = coreConfig(network, readSettings({}))
  const { log } = await openFileLog(await openDisk(join(layout.sequencer, 'log')))
  const rules = { baseFeePerGas: config.chains[0]!.baseFeePerGas, gasMax: BigInt(LIMITS.legGas) }
  // Far enough back that the clock of the machine is ahead of the last slot.
  const clock = jumpingClock(Date.now() - Math.max(1, slots - log.tip()) * slotMsMax)
  const waiting = await openWaitingRoom(await openDisk(join(layout.sequencer, 'waiting')))
  const engine = await startEngine({
    ...{ config, log, clock },
    drivers: driversOf(files),
    genesisHashes: new Map(network.chains.map((c) => [c.chainId, c.genesisHash as Hash])),
    signDigest: digestSigner(developmentKey('sequencer').privateKey),
    signSystem: systemSigner(developmentKey('system').privateKey),
    feeds: { logId: config.logId, feeds: [], threshold: 1 },
    waiting,
    decodeLeg: (chainId, rawTx) => decodeTransaction(rawTx, { chainId, ...rules }),
    points: openRecoveryPoints(await openDisk(join(layout.sequencer, 'recovery')), config),
    recovery: { blocks: 1_000, slots: 2_000, legs: 20_000 },
    observe: () => undefined,
    fail: (error) => {
      throw error
    },
  })
  const port = enginePort(engine)
  for (const sender of senders) {
    for (const chainId of rollups) {
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      sender.nonces.set(chainId, await port.pendingNonce(chainId, sender.address))
    }
  }
  for (let i = 0; engine.state.height < slots; i++) {
    const { chainId, rawTx } = plainLeg(senders[i % senders.length]!, rollups[i % rollups.length]!)
    // oxlint-disable-next-line no-await-in-loop -- one slot after the other
    await port.sendTransaction(decodeTransaction(rawTx, { chainId, ...rules }))
    const { height } = engine.state
    if (height % tellEverySlots === 0) progress(`${height} of ${slots} slots`)
  }
  await engine.stop()
  await waiting.close()
  await log.close()
}

/** A clock on which nobody waits: it jumps to whatever is due next. */
function jumpingClock(startMs: number): Clock {
  let elapsedMs = 0
  return {
    nowMs: () => startMs + Math.floor(elapsedMs),
    elapsedMs: () => elapsedMs,
    after: (ms, run) => {
      const atMs = elapsedMs + ms
      const due = setImmediate(() => {
        elapsedMs = Math.max(elapsedMs, atMs)
        run()
      })
      return () => clearImmediate(due)
    },
  }
}

function driversOf({ layout, network, genesisFile }: BenchFiles) {
  const { chains } = coreConfig(network, readSettings({}))
  return new Map(
    chains.map(({ chainId, baseFeePerGas }) => [
      chainId,
      createAnvilDriver({
        chainId,
        genesisFile: genesisFile(chainId),
        genesisTimestampS: GENESIS_TIMESTAMP_S,
        baseFeePerGas,
        gasLimit: BLOCK_GAS_LIMIT,
        directory: join(layout.private, 'nodes'),
        snapshotDirectory: join(layout.sequencer, 'snapshots', `${chainId}`),
        pidFile: layout.pidFile,
        alert: () => undefined,
      }),
    ]),
  )
}
