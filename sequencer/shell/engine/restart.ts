import { keccak256 } from 'viem/utils'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import {
  decodeGenesisRecord,
  decodeSlotRecord,
  encodeGenesisRecord,
  slotBodyHash,
} from '../../../sdk/protocol/slot-codec.ts'
import { slotHash, type GenesisRecord, type SlotRecord } from '../../../sdk/protocol/slot.ts'
import type { SealedBlock } from '../../core/execution.ts'
import { applyRecord, initialState, resume } from '../../core/restore.ts'
import type { CoreState } from '../../core/state.ts'
import { LogError } from '../log/log-store.ts'
import type { Blocks } from './blocks.ts'
import { DerivationError } from './derive.ts'
import type { EngineOptions } from './options.ts'
import type { BlockIndex } from './plans.ts'

/** What a started engine goes on from. */
export type Restarted = {
  state: CoreState
  /** Hash of the last slot. */
  tipHash: Hash
  heads: ReadonlyMap<number, SealedBlock>
}

/**
 * Brings state and nodes to the log's tip: every record is folded into the state, every block that a
 * node lacks is derived and compared with what was promised, and with the hash in the log.
 *
 * @throws {@link LogError} when the log is of another network or its chain of hashes is broken.
 * @throws {@link DerivationError} when a rollup does not follow from the log.
 */
export async function restart(
  options: EngineOptions,
  { blocks, index }: { blocks: Blocks; index: BlockIndex },
): Promise<Restarted> {
  const { config, log, clock, observe } = options
  const startedMs = clock.elapsedMs()
  const heads = await blocks.start()
  const genesis = await openGenesis(options, heads)
  const state = initialState(config)
  const folded = await foldLog(options, { state, index, genesis })
  const wanted = new Map(
    [...heads].map(([chainId, head]) => {
      const recorded = folded.headers.get(chainId) ?? []
      const known = recorded[head.number - 1]
      if (known !== undefined && known !== head.hash) {
        throw new DerivationError(chainId, `block ${head.number} has hash ${known}`, head.hash)
      }
      // The block in which a chain stopped was never published.
      const stopped = state.stopped.has(chainId)
      return [chainId, { head, number: stopped ? recorded.length : index.last(chainId) }]
    }),
  )
  const derived = await blocks.derive(wanted)
  const chains = [...derived].map(async ([chainId, head]) => {
    const read = await blocks.run(chainId, (driver) => driver.accounts([config.system]))
    const systemNonce = read.facts[0]?.nonce
    assert(systemNonce !== undefined, 'the system account can be read')
    const recordedNumber = folded.headers.get(chainId)?.length ?? 0
    return { chainId, head, systemNonce, recordedNumber }
  })
  resume(state, await Promise.all(chains))
  const count = [...wanted.values()].reduce(
    (sum, { head, number }) => sum + number - head.number,
    0,
  )
  const elapsedMs = clock.elapsedMs() - startedMs
  observe({ type: 'replayed', slots: log.tip(), blocks: count, elapsedMs })
  return { state, tipHash: folded.tipHash, heads: derived }
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

async function foldLog(
  { config, log }: EngineOptions,
  start: {
    state: CoreState
    index: BlockIndex
    genesis: { record: GenesisRecord; hash: Hash }
  },
): Promise<{ tipHash: Hash; headers: Map<number, Hash[]> }> {
  const { state, index, genesis } = start
  /** Hashes of every rollup's blocks, from block 1 on. */
  const headers = new Map<number, Hash[]>()
  const note = (chainId: number, header: Hex) => {
    const list = headers.get(chainId) ?? []
    headers.set(chainId, list)
    list.push(keccak256(header))
  }
  for (const { chainId, header } of genesis.record.chains) note(chainId, header)
  let tipHash = genesis.hash
  for await (const { height, record: bytes } of log.read(1)) {
    const record = decodeSlotRecord(bytes)
    checkLink(record, { height, parentHash: tipHash })
    applyRecord(state, record)
    index.add(record)
    for (const { chainId, header } of record.notes.sealed) note(chainId, header)
    tipHash = slotHash(config.logId, record.header)
  }
  return { tipHash, headers }
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
