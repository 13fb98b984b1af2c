import { toFunctionSelector, type AbiFunction } from 'viem'
import { z } from 'zod'
import { creditBookAbi } from '../../sdk/abi/credit-book.ts'
import { ConfigError } from '../../sdk/process/config-error.ts'
import { readEnvironment, type Environment } from '../../sdk/process/environment.ts'
import { isSequenced } from '../../sdk/protocol/chains.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import type { Network, NetworkChain } from '../../sdk/protocol/network.ts'
import type { CoreChain, CoreConfig } from '../core/config.ts'
import { laneCallsOf } from './lane-calls.ts'

/** EVM time of every rollup's block 0, in seconds since 1970: part of the chains' definition. */
export const GENESIS_TIMESTAMP_S = 1_700_000_000

/** Gas limit of every rollup's block: part of the chains' definition. */
export const BLOCK_GAS_LIMIT = 1_000_000_000n

/** Settlement blocks within which what was forced stands in the log: part of the log's rules. */
const FORCED_WITHIN_BLOCKS = 64

/** Receiver of the rollups' fees: a node started without one names this. */
const COINBASE: Address = `0x${'00'.repeat(20)}`

/** What an operator may set, from variables that begin with `SEQUENCER_`. */
export type SequencerSettings = ReturnType<typeof readSettings>

/**
 * Reads the sequencer's settings from the environment.
 *
 * @throws ConfigError when a value breaks its rule.
 */
export function readSettings(environment?: Environment) {
  const values = readEnvironment({
    prefix: 'SEQUENCER_',
    shape: {
      /** Least time between two slots that carry entries. */
      SEQUENCER_SLOT_INTERVAL_MS: milliseconds(5, { min: 1, max: 1_000 }),
      /** A superblock closes after this long. */
      SEQUENCER_SUPERBLOCK_MS: milliseconds(100, { min: 5, max: 10_000 }),
      /** A superblock closes at once after this long without an entry. */
      SEQUENCER_IDLE_CLOSE_MS: milliseconds(10, { min: 1, max: 10_000 }),
      /** A rollup without a block for this long gets one. */
      SEQUENCER_HEARTBEAT_MS: milliseconds(1_000, { min: 100, max: 60_000 }),
      /** Constant base fee of rollups that the network gives none, wei per gas; fixed within one log. */
      SEQUENCER_BASE_FEE_WEI: z.coerce
        .bigint()
        .min(1n)
        .max(10n ** 15n)
        .default(10n ** 9n),
      /** Blocks of a rollup after which a recovery point is made. */
      SEQUENCER_SNAPSHOT_BLOCKS: count(500, { min: 2, max: 1_000_000 }),
      /** Slots after which a recovery point is made. */
      SEQUENCER_SNAPSHOT_SLOTS: count(1_000, { min: 2, max: 1_000_000 }),
      /** Legs after which a recovery point is made. */
      SEQUENCER_SNAPSHOT_LEGS: count(20_000, { min: 2, max: 100_000_000 }),
      /** What of the log is kept: everything, or what the oldest recovery point needs. */
      SEQUENCER_LOG_KEEP: z.enum(['all', 'recovery']).default('all'),
      /** Slots after which a signed margin attestation is void. */
      SEQUENCER_ATTESTATION_SLOTS: z.coerce.bigint().min(1n).max(4_096n).default(1_000n),
      /** Time between two looks at `l1`. */
      SEQUENCER_L1_POLL_MS: milliseconds(500, { min: 50, max: 60_000 }),
      /** Least time between two batches of slots that are posted to `l1`. */
      SEQUENCER_POST_INTERVAL_MS: milliseconds(4_000, { min: 100, max: 3_600_000 }),
      /** Threads that keep accounts margined. */
      SEQUENCER_RISK_WORKERS: count(1, { min: 1, max: 8 }),
      /** Age after which marks back no attestation. */
      SEQUENCER_MARKS_AGE_MS: milliseconds(60_000, { min: 1_000, max: 3_600_000 }),
    },
    environment,
  })
  return values
}

function milliseconds(byDefault: number, { min, max }: { min: number; max: number }) {
  return z.coerce.number().int().min(min).max(max).default(byDefault)
}

function count(byDefault: number, { min, max }: { min: number; max: number }) {
  return z.coerce.number().int().min(min).max(max).default(byDefault)
}

/**
 * Makes the core's configuration of a network.
 *
 * @throws ConfigError when a rollup lacks a contract that slots need.
 */
export function coreConfig(network: Network, settings: SequencerSettings): CoreConfig {
  const chains = network.chains
    .filter(({ kind }) => isSequenced(kind))
    .toSorted((a, b) => a.chainId - b.chainId)
    .map((chain) => coreChain(chain, settings))
  if (settings.SEQUENCER_IDLE_CLOSE_MS > settings.SEQUENCER_SUPERBLOCK_MS) {
    throw new ConfigError('SEQUENCER_IDLE_CLOSE_MS is at most SEQUENCER_SUPERBLOCK_MS.')
  }
  return {
    logId: network.logId as Hash,
    leader: lower(network.sequencer.address),
    system: lower(network.sequencer.system),
    chains,
    checkAfterSelector: checkAfterSelector(),
    slotIntervalMs: settings.SEQUENCER_SLOT_INTERVAL_MS,
    superblockMs: settings.SEQUENCER_SUPERBLOCK_MS,
    idleCloseMs: settings.SEQUENCER_IDLE_CLOSE_MS,
    heartbeatMs: settings.SEQUENCER_HEARTBEAT_MS,
    forcedWithinBlocks: FORCED_WITHIN_BLOCKS,
  }
}

function coreChain(chain: NetworkChain, settings: SequencerSettings): CoreChain {
  const { chainId, kind } = chain
  const named = (names: readonly string[]) =>
    names.flatMap((name) => {
      const address = chain.contracts[name]
      return address === undefined ? [] : [lower(address)]
    })
  const markFeeds = named(['markFeeds'])[0]
  const sequencedHook = named(['sequencedHook'])[0]
  const bundleExecutor = named(['bundleExecutor'])[0]
  const slotInbox = named(['slotInbox'])[0]
  const liquidationAuction = named(['liquidationAuction'])[0]
  return {
    chainId,
    isHub: kind === 'hub',
    baseFeePerGas:
      chain.baseFeePerGasWei === undefined
        ? settings.SEQUENCER_BASE_FEE_WEI
        : BigInt(chain.baseFeePerGasWei),
    gasLimit: BLOCK_GAS_LIMIT,
    coinbase: COINBASE,
    mailbox: required(chain, 'mailbox'),
    slotContext: required(chain, 'slotContext'),
    ...(sequencedHook === undefined ? {} : { sequencedHook }),
    ...(markFeeds === undefined ? {} : { markFeeds }),
    ...(bundleExecutor === undefined ? {} : { bundleExecutor }),
    ...(liquidationAuction === undefined ? {} : { liquidationAuction }),
    ...(kind === 'hub' ? { books: named(['ledger', 'creditBook']) } : {}),
    ...(slotInbox === undefined ? {} : { slotInbox }),
    laneCalls: laneCallsOf(chain),
    credit: named(['creditBook', 'spokeCredit']),
    byRelayer: named(['hubVault', 'spokeVault']),
  }
}

function required(chain: NetworkChain, name: string): Address {
  const address = chain.contracts[name]
  if (address !== undefined) return lower(address)
  throw new ConfigError(`Chain ${chain.name} has no contract "${name}", which every slot needs.`, [
    `known: ${Object.keys(chain.contracts).join(', ')}`,
  ])
}

function checkAfterSelector(): Hex {
  const item = creditBookAbi.find((part) => part.type === 'function' && part.name === 'checkAfter')
  if (item === undefined) throw new ConfigError('The ABI of CreditBook has no checkAfter.')
  return toFunctionSelector(item as AbiFunction)
}

function lower(address: string): Address {
  return address.toLowerCase() as Address
}
