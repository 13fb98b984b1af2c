import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import { concatBytes } from '../../../sdk/protocol/bytes.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import {
  decodeGenesisRecord,
  decodeSlotRecord,
  encodeGenesisRecord,
  slotBodyHash,
} from '../../../sdk/protocol/slot-codec.ts'
import { slotHash, type GenesisRecord, type SlotRecord } from '../../../sdk/protocol/slot.ts'
import type { SealedBlock } from '../../core/entries/execution.ts'
import { lastBlock } from '../../core/superblocks/block-heights.ts'
import { foldRecord, initialFold, type Fold } from '../../core/superblocks/fold.ts'
import { resume } from '../../core/snapshot/restore.ts'
import { decodeSnapshot, encodeSnapshot } from '../../core/snapshot/snapshot.ts'
import type { CoreState } from '../../core/state.ts'
import { stopChain } from '../../core/superblocks/stop.ts'
import { LogError } from '../log/log-store.ts'
import type { Blocks } from './blocks.ts'
import { DerivationError, type Wanted } from './derive.ts'
import type { EngineOptions } from './options.ts'

/** What a started engine goes on from. */
export type Restarted = {
  state: CoreState
  /** What the log says, apart from the state that runs on. */
  fold: Fold
  heads: ReadonlyMap<number, SealedBlock>
}

/**
 * Brings state and nodes to the log's tip: the newest recovery point is taken, every later record is
 * folded into the state, every block that a node lacks is derived and compared with what was promised,
 * and with the hash in the log.
 *
 * @throws {@link LogError} when the log is of another network or its chain of hashes is broken.
 * @throws {@link DerivationError} when a rollup does not follow from the log.
 */
export async function restart(options: EngineOptions, blocks: Blocks): Promise<Restarted> {
  const { log, clock, observe } = options
  const startedMs = clock.elapsedMs()
  const heads = await blocks.start()
  const genesis = await openGenesis(options, heads)
  const fold = await newestFold(options, genesis)
  const from = fold.state.height
  await foldLog(options, fold)
  const wanted = wantedBlocks(heads, fold)
  const { heads: derived, differing } = await blocks.derive(wanted, fold.blocks)
  const state = copyOf(options, fold)
  const chains = [...derived].map(async ([chainId, head]) => {
    const read = await blocks.run(chainId, (driver) => driver.accounts([options.config.system]))
    const systemNonce = read.facts[0]?.nonce
    assert(systemNonce !== undefined, 'the system account can be read')
    const recordedNumber = fold.recorded.get(chainId)?.number ?? 0
    return { chainId, head, systemNonce, recordedNumber }
  })
  resume(state, await Promise.all(chains))
  for (const [chainId, { metaMessages }] of differing) {
    stopChain(state, { chainId, reason: metaMessages.join(', ') })
  }
  const count = [...wanted.values()].reduce(
    (sum, { head, number }) => sum + number - head.number,
    0,
  )
  const elapsedMs = clock.elapsedMs() - startedMs
  for (const [chainId, reason] of state.stopped) observe({ type: 'stopped', chainId, reason })
  observe({ type: 'replayed', slots: log.tip() - from, blocks: count, elapsedMs })
  return { state, fold, heads: derived }
}

/** A state of its own for the core that runs: the fold stays what the log says. */
function copyOf({ config }: EngineOptions, fold: Fold): CoreState {
  return decodeSnapshot(concatBytes([...encodeSnapshot(fold)]), config).state
}

/** The newest recovery point, or slot 0 where there is none. */
async function newestFold(
  { config, log, points, observe }: EngineOptions,
  genesis: { record: GenesisRecord; hash: Hash },
): Promise<Fold> {
  const newest = await points.newest(log, (skipped) =>
    observe({ type: 'pointSkipped', ...skipped }),
  )
  return newest ?? initialFold(config, genesis.record, genesis.hash)
}

/** The block that each rollup must be brought to. */
function wantedBlocks(heads: ReadonlyMap<number, SealedBlock>, fold: Fold): Map<number, Wanted> {
  return new Map(
    [...heads].map(([chainId, head]) => {
      const recorded = fold.recorded.get(chainId)
      // A node further back is compared when its next block is derived.
      if (recorded?.number === head.number && recorded.hash !== head.hash) {
        const expected = `block ${head.number} has hash ${recorded.hash}`
        throw new DerivationError(chainId, expected, head.hash)
      }
      // The block in which a chain stopped was never published.
      const stopped = fold.state.stopped.has(chainId)
      return [
        chainId,
        { head, number: stopped ? (recorded?.number ?? 1) : lastBlock(fold.blocks, chainId) },
      ]
    }),
  )
}

async function openGenesis(
  { config, log, genesisHashes }: EngineOptions,
  heads: ReadonlyMap<number, SealedBlock>,
): Promise<{ record: GenesisRecord; hash: Hash }> {
  const bytes = await log.readOne(0)
  if (bytes !== undefined) {
    const record = decodeGenesisRecord(bytes)
    checkGenesis(record, { config, genesisHashes })
    return { record, hash: keccak256(bytes) }
  }
  const chains = config.chains.map(({ chainId }) => {
    const head = heads.get(chainId)
    if (head?.number !== 1) {
      throw new DerivationError(chainId, 'a new log begins with block 1', `block ${head?.number}`)
    }
    return { chainId, genesisHash: genesisHashes.get(chainId) as Hash, header: head.header }
  })
  const record: GenesisRecord = { version: 1, logId: config.logId, leader: config.leader, chains }
  const fresh = encodeGenesisRecord(record)
  await log.append(0, fresh)
  return { record, hash: keccak256(fresh) }
}

function checkGenesis(
  record: GenesisRecord,
  { config, genesisHashes }: Pick<EngineOptions, 'config' | 'genesisHashes'>,
): void {
  if (record.logId !== config.logId) {
    throw new LogError('the log is of this network', [
      `log: ${record.logId}; network: ${config.logId}`,
    ])
  }
  const recorded = record.chains.map(({ chainId, genesisHash }) => `${chainId} ${genesisHash}`)
  const expected = config.chains.map(({ chainId }) => `${chainId} ${genesisHashes.get(chainId)}`)
  if (recorded.join() === expected.join()) return
  throw new LogError('the log begins with the genesis of every rollup', [
    `log: ${recorded.join(', ')}; network: ${expected.join(', ')}`,
  ])
}

async function foldLog({ config, log }: EngineOptions, fold: Fold): Promise<void> {
  for await (const { height, record: bytes } of log.read(fold.state.height + 1)) {
    const record = decodeSlotRecord(bytes)
    checkLink(record, { height, parentHash: fold.tipHash })
    foldRecord(fold, record, slotHash(config.logId, record.header))
  }
}

function checkLink(record: SlotRecord, expected: { height: number; parentHash: Hash }): void {
  const { header } = record
  const { height, parentHash } = expected
  if (header.height !== height) {
    throw new LogError('heights are contiguous', [`found: ${header.height}; expected: ${height}`])
  }
  if (header.parentHash !== parentHash) {
    throw new LogError('every slot names its parent', [
      `slot: ${height}; parent: ${header.parentHash}; expected: ${parentHash}`,
    ])
  }
  const bodyHash = slotBodyHash(record)
  if (header.bodyHash === bodyHash) return
  throw new LogError('every slot names its body', [
    `slot: ${height}; body: ${bodyHash}; header: ${header.bodyHash}`,
  ])
}
