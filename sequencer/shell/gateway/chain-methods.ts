import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { z } from 'zod'
import type { TransactionRules } from '../drivers/transaction.ts'
import {
  blockJson,
  logJson,
  pendingJson,
  quantity,
  receiptJson,
  receiptsJson,
  transactionJson,
} from '../history/ethereum-format.ts'
import type { HistoryBlock } from '../history/history.ts'
import type { SequencerPort } from '../port.ts'
import { blockOf, findLogs, headOf, type ChainView } from './blocks.ts'
import { feeHistory } from './fee-history.ts'
import { method, type RpcMethod, type RpcMethods } from './json-rpc.ts'
import { filterOf, filterShape } from './log-filter.ts'
import type { Pending } from './pending.ts'
import { blockShape, bytesShape, countShape, hashShape, quantityHexShape } from './shapes.ts'
import { stateMethods } from './state-methods.ts'
import type { StateRead } from './state-reads.ts'

/** What the methods of one rollup's endpoint work with. */
export type ChainMethodsOptions = {
  rules: TransactionRules
  history: ChainView
  read: StateRead
  pending: Pick<Pending, 'find'>
  sequencer: Pick<SequencerPort, 'pendingNonce'>
  /** Shown by `web3_clientVersion`. */
  version: string
}

/** Receiver of the rollups' fees. */
const coinbase = `0x${'0'.repeat(40)}`
const noParams = z.tuple([])
const index = quantityHexShape.transform(Number)

/** Makes the Ethereum methods of one rollup; whatever is not named here is not served. */
export function chainMethods(options: ChainMethodsOptions): RpcMethods {
  return new Map([
    ...identityMethods(options),
    ...blockMethods(options),
    ...transactionMethods(options),
    ...stateMethods(options),
    ...uncleMethods(options),
  ])
}

function identityMethods({ rules, version }: ChainMethodsOptions): [string, RpcMethod][] {
  return [
    ['eth_chainId', method(noParams, () => quantity(rules.chainId))],
    ['net_version', method(noParams, () => String(rules.chainId))],
    ['net_listening', method(noParams, () => true)],
    ['web3_clientVersion', method(noParams, () => version)],
    ['net_peerCount', method(noParams, () => '0x0')],
    ['web3_sha3', method(z.tuple([bytesShape]), ([bytes]) => keccak256(bytes))],
    ['rpc_modules', method(noParams, () => ({ eth: '1.0', net: '1.0', rpc: '1.0', web3: '1.0' }))],
    ['eth_syncing', method(noParams, () => false)],
    ['eth_accounts', method(noParams, () => [])],
    ['eth_mining', method(noParams, () => false)],
    ['eth_hashrate', method(noParams, () => '0x0')],
    ['eth_coinbase', method(noParams, () => coinbase)],
  ]
}

function blockMethods({ rules, history, read }: ChainMethodsOptions): [string, RpcMethod][] {
  const { chainId } = rules
  const show = (entry: HistoryBlock | undefined, whole: boolean) =>
    entry === undefined ? null : blockJson(chainId, entry, whole)
  const count = (entry: HistoryBlock | undefined) =>
    entry === undefined ? null : quantity(entry.legs.length)
  return [
    ['eth_blockNumber', method(noParams, () => quantity(headOf(history).number))],
    [
      'eth_getBlockByNumber',
      method(z.tuple([blockShape, z.boolean().optional()]), async ([name, whole = false]) => {
        const entry = blockOf(history, name)
        // The genesis block is in no superblock: the node has it.
        if (entry === undefined && (name === 'earliest' || name === 0)) {
          return await read('eth_getBlockByNumber', 'latest', () => ['0x0', whole])
        }
        return show(entry, whole)
      }),
    ],
    [
      'eth_getBlockByHash',
      method(z.tuple([hashShape, z.boolean().optional()]), ([hash, whole = false]) =>
        show(history.byHash(hash), whole),
      ),
    ],
    [
      'eth_getBlockTransactionCountByNumber',
      method(z.tuple([blockShape]), ([name]) => count(blockOf(history, name))),
    ],
    [
      'eth_getBlockTransactionCountByHash',
      method(z.tuple([hashShape]), ([hash]) => count(history.byHash(hash))),
    ],
    [
      'eth_getBlockReceipts',
      method(z.tuple([blockShape]), ([name]) => {
        const entry = blockOf(history, name)
        return entry === undefined ? null : receiptsJson(chainId, entry)
      }),
    ],
    [
      'eth_getLogs',
      method(z.tuple([filterShape]), async ([filter]) =>
        (await findLogs(history, filterOf(filter))).map(logJson),
      ),
    ],
    ['eth_gasPrice', method(noParams, () => quantity(rules.baseFeePerGas))],
    // Order is the log's, whatever is offered: a tip buys nothing.
    ['eth_maxPriorityFeePerGas', method(noParams, () => '0x0')],
    // No rollup carries blobs: their price stays at its least.
    ['eth_blobBaseFee', method(noParams, () => '0x1')],
    [
      'eth_feeHistory',
      method(
        z.tuple([countShape, blockShape, z.array(z.number().min(0).max(100)).max(100).nullish()]),
        ([blocks, newest, percentiles]) =>
          feeHistory(history, rules, { blocks, newest, percentiles: percentiles ?? undefined }),
      ),
    ],
  ]
}

function transactionMethods(options: ChainMethodsOptions): [string, RpcMethod][] {
  const { rules, history, pending } = options
  const { chainId } = rules
  const inBlock = (entry: HistoryBlock | undefined, at: number) =>
    entry === undefined || at >= entry.legs.length ? null : transactionJson(chainId, entry, at)
  return [
    [
      'eth_getTransactionByHash',
      method(z.tuple([hashShape]), ([hash]) => {
        const place = history.transaction(hash)
        if (place !== undefined) return transactionJson(chainId, place.entry, place.index)
        const leg = pending.find(chainId, hash)
        return leg === undefined ? null : pendingJson(leg)
      }),
    ],
    [
      'eth_getTransactionByBlockNumberAndIndex',
      method(z.tuple([blockShape, index]), ([name, at]) => inBlock(blockOf(history, name), at)),
    ],
    [
      'eth_getTransactionByBlockHashAndIndex',
      method(z.tuple([hashShape, index]), ([hash, at]) => inBlock(history.byHash(hash), at)),
    ],
    [
      'eth_getRawTransactionByHash',
      method(z.tuple([hashShape]), ([hash]) => {
        const place = history.transaction(hash)
        const published = place?.entry.legs[place.index]?.rawTx
        return published ?? pending.find(chainId, hash)?.rawTx ?? null
      }),
    ],
    [
      'eth_getTransactionReceipt',
      method(z.tuple([hashShape]), ([hash]) => {
        const place = history.transaction(hash)
        return place === undefined ? null : receiptJson(chainId, place.entry, place.index)
      }),
    ],
  ]
}

/** What clients of old chains ask: a rollup has no uncles. */
function uncleMethods({ history }: ChainMethodsOptions): [string, RpcMethod][] {
  const none = (entry: HistoryBlock | undefined) => (entry === undefined ? null : '0x0')
  return [
    [
      'eth_getUncleCountByBlockNumber',
      method(z.tuple([blockShape]), ([name]) => none(blockOf(history, name))),
    ],
    [
      'eth_getUncleCountByBlockHash',
      method(z.tuple([hashShape]), ([hash]) => none(history.byHash(hash))),
    ],
    ['eth_getUncleByBlockNumberAndIndex', method(z.tuple([blockShape, index]), () => null)],
    ['eth_getUncleByBlockHashAndIndex', method(z.tuple([hashShape, index]), () => null)],
  ]
}
