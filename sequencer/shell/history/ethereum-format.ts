import type { Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { effectiveGasPrice, type Leg } from '../../core/entries/leg.ts'
import { decodeTransaction, signatureOf } from '../drivers/transaction.ts'
import { createdAddress } from './created-address.ts'
import { logsBloom } from './bloom.ts'
import { decodeHeader } from './header.ts'
import { logsOf, type HistoryBlock, type PlacedLog } from './history.ts'

/** Rules that everything in a block met already. */
const anyRules = { baseFeePerGas: 0n, gasMax: (1n << 64n) - 1n }
/** Bytes of an empty body: two empty lists and the list of withdrawals. */
const emptyBodyBytes = 3

/** Writes a number as JSON-RPC does. */
export function quantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`
}

/** Shows a block as `eth_getBlockByNumber` does. */
export function blockJson(chainId: number, entry: HistoryBlock, whole: boolean) {
  const { block, legs } = entry
  const header = decodeHeader(block.header)
  const bytes = legs.reduce((sum, { rawTx }) => sum + (rawTx.length - 2) / 2, 0)
  return {
    hash: block.hash,
    ...header,
    totalDifficulty: '0x0',
    size: quantity((block.header.length - 2) / 2 + emptyBodyBytes + bytes),
    uncles: [],
    withdrawals: [],
    transactions: whole
      ? legs.map((_leg, i) => transactionJson(chainId, entry, i))
      : legs.map(({ hash }) => hash),
  }
}

/** Shows a block's header as a `newHeads` subscription does. */
export function headJson({ block }: HistoryBlock) {
  return { hash: block.hash, ...decodeHeader(block.header) }
}

/** Shows a transaction as `eth_getTransactionByHash` does. */
export function transactionJson(chainId: number, entry: HistoryBlock, index: number) {
  const { block } = entry
  const leg = decodeTransaction(entry.legs[index]!.rawTx, { chainId, ...anyRules })
  return {
    blockHash: block.hash,
    blockNumber: quantity(block.number),
    transactionIndex: quantity(index),
    ...legJson(leg, block.header),
  }
}

/** Shows a transaction that is in no published block yet. */
export function pendingJson(leg: Leg) {
  return { blockHash: null, blockNumber: null, transactionIndex: null, ...legJson(leg, undefined) }
}

function legJson(leg: Leg, header: Hex | undefined) {
  const { yParity, r, s } = signatureOf(leg.rawTx)
  const { type, price } = priceOf(leg, header)
  const legacy = leg.fee.type === 'legacy'
  return {
    hash: leg.hash,
    type,
    chainId: quantity(leg.chainId),
    nonce: quantity(leg.nonce),
    from: leg.from,
    to: leg.to ?? null,
    value: quantity(leg.value),
    gas: quantity(leg.gas),
    input: leg.input,
    ...price,
    ...(legacy ? {} : { accessList: leg.accessList, yParity: quantity(yParity) }),
    v: quantity(legacy ? leg.chainId * 2 + 35 + yParity : yParity),
    r: quantity(BigInt(r)),
    s: quantity(BigInt(s)),
  }
}

/** Shows a receipt as `eth_getTransactionReceipt` does. */
export function receiptJson(chainId: number, entry: HistoryBlock, index: number) {
  return receiptsJson(chainId, entry, index, index + 1)[0]!
}

/** Shows the receipts of a block, of those from `start` and before `end`. */
export function receiptsJson(
  chainId: number,
  entry: HistoryBlock,
  start = 0,
  end = entry.legs.length,
) {
  const { block, legs } = entry
  const placed = logsOf(entry)
  let cumulativeGasUsed = legs
    .slice(0, start)
    .reduce((sum, { outcome }) => sum + outcome.gasUsed, 0n)
  return legs.slice(start, end).map(({ hash, rawTx, outcome }, i) => {
    const leg = decodeTransaction(rawTx, { chainId, ...anyRules })
    cumulativeGasUsed += outcome.gasUsed
    const { type } = priceOf(leg, block.header)
    return {
      transactionHash: hash,
      transactionIndex: quantity(start + i),
      blockHash: block.hash,
      blockNumber: quantity(block.number),
      from: leg.from,
      to: leg.to ?? null,
      contractAddress: leg.to === undefined ? createdAddress(leg) : null,
      type,
      status: quantity(outcome.status),
      gasUsed: quantity(outcome.gasUsed),
      cumulativeGasUsed: quantity(cumulativeGasUsed),
      effectiveGasPrice: quantity(
        effectiveGasPrice(leg.fee, BigInt(decodeHeader(block.header).baseFeePerGas)),
      ),
      logsBloom: logsBloom(outcome.logs),
      logs: placed.filter(({ transactionIndex }) => transactionIndex === start + i).map(logJson),
    }
  })
}

/** Shows a log as `eth_getLogs` does. */
export function logJson({ log, entry, transactionIndex, logIndex }: PlacedLog) {
  const { block, legs } = entry
  return {
    address: log.address,
    topics: log.topics,
    data: log.data,
    blockHash: block.hash,
    blockNumber: quantity(block.number),
    blockTimestamp: quantity(block.timestampS),
    transactionHash: legs[transactionIndex]!.hash satisfies Hash,
    transactionIndex: quantity(transactionIndex),
    logIndex: quantity(logIndex),
    removed: false,
  }
}

function priceOf({ fee }: Leg, header: Hex | undefined): { type: Hex; price: Record<string, Hex> } {
  if (fee.type !== 'eip1559') {
    const type = fee.type === 'legacy' ? '0x0' : '0x1'
    return { type, price: { gasPrice: quantity(fee.gasPrice) } }
  }
  const { maxFeePerGas, maxPriorityFeePerGas } = fee
  const paid =
    header === undefined
      ? maxFeePerGas
      : effectiveGasPrice(fee, BigInt(decodeHeader(header).baseFeePerGas))
  return {
    type: '0x2',
    price: {
      gasPrice: quantity(paid),
      maxFeePerGas: quantity(maxFeePerGas),
      maxPriorityFeePerGas: quantity(maxPriorityFeePerGas),
    },
  }
}
