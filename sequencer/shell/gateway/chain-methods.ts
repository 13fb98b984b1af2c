import { z } from 'zod'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { decodeTransaction, type TransactionRules } from '../drivers/transaction.ts'
import {
  blockJson,
  logJson,
  quantity,
  receiptJson,
  receiptsJson,
  transactionJson,
} from '../history/ethereum-format.ts'
import type { ChainHistory, HistoryBlock } from '../history/history.ts'
import type { SequencerPort } from '../port.ts'
import { blockOf, findLogs, headOf } from './blocks.ts'
import { feeHistory } from './fee-history.ts'
import { filterShape, filterOf } from './log-filter.ts'
import { method, type RpcMethod, type RpcMethods } from './json-rpc.ts'
import {
  addressShape,
  blockShape,
  bytesShape,
  countShape,
  hashShape,
  quantityHexShape,
} from './shapes.ts'
import type { StateRead } from './state-reads.ts'

/** What the methods of one rollup's endpoint work with. */
export type ChainMethodsOptions = {
  rules: TransactionRules
  history: ChainHistory
  read: StateRead
  sequencer: Pick<SequencerPort, 'acceptTransaction' | 'pendingNonce'>
  /** Shown by `web3_clientVersion`. */
  version: string
}

const noParams = z.tuple([])
const index = quantityHexShape.transform(Number)

const callShape = z.strictObject({
  from: addressShape.optional(),
  to: addressShape.nullish(),
  input: bytesShape.optional(),
  data: bytesShape.optional(),
  value: quantityHexShape.optional(),
  gas: quantityHexShape.optional(),
  gasPrice: quantityHexShape.optional(),
  maxFeePerGas: quantityHexShape.optional(),
  maxPriorityFeePerGas: quantityHexShape.optional(),
  nonce: quantityHexShape.optional(),
  chainId: quantityHexShape.optional(),
  type: quantityHexShape.optional(),
  accessList: z
    .array(z.strictObject({ address: addressShape, storageKeys: z.array(hashShape).max(1_024) }))
    .max(1_024)
    .optional(),
})

const overridesShape = z.record(
  addressShape,
  z.strictObject({
    balance: quantityHexShape.optional(),
    nonce: quantityHexShape.optional(),
    code: bytesShape.optional(),
    state: z.record(hashShape, hashShape).optional(),
    stateDiff: z.record(hashShape, hashShape).optional(),
  }),
)

/** Makes the Ethereum methods of one rollup; whatever is not named here is not served. */
export function chainMethods(options: ChainMethodsOptions): RpcMethods {
  return new Map([
    ...identityMethods(options),
    ...blockMethods(options),
    ...transactionMethods(options),
    ...stateMethods(options),
  ])
}

function identityMethods({ rules, version }: ChainMethodsOptions): [string, RpcMethod][] {
  return [
    ['eth_chainId', method(noParams, () => quantity(rules.chainId))],
    ['net_version', method(noParams, () => String(rules.chainId))],
    ['net_listening', method(noParams, () => true)],
    ['web3_clientVersion', method(noParams, () => version)],
    ['eth_syncing', method(noParams, () => false)],
    ['eth_accounts', method(noParams, () => [])],
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
  const { rules, history, sequencer } = options
  const { chainId } = rules
  const inBlock = (entry: HistoryBlock | undefined, at: number) =>
    entry === undefined || at >= entry.legs.length ? null : transactionJson(chainId, entry, at)
  return [
    [
      'eth_sendRawTransaction',
      method(
        z.tuple([z.string()]),
        async ([rawTx]) => await sequencer.acceptTransaction(decodeTransaction(rawTx, rules)),
        { signed: true },
      ),
    ],
    [
      'eth_getTransactionByHash',
      method(z.tuple([hashShape]), ([hash]) => {
        const place = history.transaction(hash)
        return place === undefined ? null : transactionJson(chainId, place.entry, place.index)
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
        return place?.entry.legs[place.index]?.rawTx ?? null
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

function stateMethods(options: ChainMethodsOptions): [string, RpcMethod][] {
  const { rules, read, sequencer } = options
  const atAddress = (name: string) =>
    method(z.tuple([addressShape, blockShape.optional()]), ([address, block]) =>
      read(name, block, (tag) => [address, tag]),
    )
  return [
    [
      'eth_getTransactionCount',
      method(z.tuple([addressShape, blockShape.optional()]), async ([address, block]) => {
        if (block === 'pending') {
          return quantity(await sequencer.pendingNonce(rules.chainId, address))
        }
        return await read('eth_getTransactionCount', block, (tag) => [address, tag])
      }),
    ],
    ['eth_getBalance', atAddress('eth_getBalance')],
    ['eth_getCode', atAddress('eth_getCode')],
    [
      'eth_getStorageAt',
      method(
        z.tuple([addressShape, z.union([quantityHexShape, hashShape]), blockShape.optional()]),
        ([address, slot, block]) => read('eth_getStorageAt', block, (tag) => [address, slot, tag]),
      ),
    ],
    [
      'eth_call',
      method(
        z.tuple([callShape, blockShape.optional(), overridesShape.optional()]),
        ([call, block, overrides]) =>
          read('eth_call', block, (tag) => [
            bounded(call),
            tag,
            ...(overrides === undefined ? [] : [overrides]),
          ]),
      ),
    ],
    [
      'eth_estimateGas',
      method(
        z.tuple([callShape, blockShape.optional(), overridesShape.optional()]),
        ([call, block, overrides]) =>
          read('eth_estimateGas', block, (tag) => [
            bounded(call),
            tag,
            ...(overrides === undefined ? [] : [overrides]),
          ]),
      ),
    ],
    [
      'eth_createAccessList',
      method(z.tuple([callShape, blockShape.optional()]), ([call, block]) =>
        read('eth_createAccessList', block, (tag) => [bounded(call), tag]),
      ),
    ],
  ]
}

/** A call with a bound on its gas: a question must not hold up the node that makes blocks. */
function bounded(call: z.output<typeof callShape>): Record<string, unknown> {
  const { gas, data, input, ...rest } = call
  const limit = BigInt(LIMITS.legGas)
  const asked = gas === undefined ? limit : BigInt(gas)
  if (data !== undefined && input !== undefined && data !== input) {
    throw new TandemError('INVALID_REQUEST', {
      rule: 'data and input are equal where both are given',
      path: 'params.0',
    })
  }
  const bytes: Hex | undefined = input ?? data
  return {
    ...rest,
    ...(bytes === undefined ? {} : { input: bytes }),
    gas: quantity(asked < limit ? asked : limit),
  }
}
