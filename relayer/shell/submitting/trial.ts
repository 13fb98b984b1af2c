import { decodeFunctionResult, encodeFunctionData, size } from 'viem/utils'
import { deliveryBatchAbi } from '../../../sdk/abi/delivery-batch.ts'
import { mailboxAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import {
  batchGasLimitUp,
  batchLength,
  deliveryGasLimitUp,
  type BatchLimits,
} from '../../core/batch.ts'
import { gasLimitUp } from '../../core/fees.ts'
import type { MessageRecord } from '../../core/stages.ts'
import type { Chain } from '../chains/chains.ts'
import { decodeRevert, isRevert } from '../chains/reverts.ts'
import { RpcError } from '../chains/rpc.ts'

/** A call that a transaction makes. */
export type Call = { to: Address; data: Hex; gas: bigint }

/** A call that delivers messages. */
export type Carrying = { call: Call; records: readonly MessageRecord[] }

/** What simulation says of messages: what may be sent, who must go alone, who would fail. */
export type Trial = {
  carrying: Carrying | undefined
  /** Ready, but beyond what this transaction holds. */
  left: readonly MessageRecord[]
  /** Failed in company: alone they may pass. */
  alone: readonly MessageRecord[]
  reverts: readonly { record: MessageRecord; text: string }[]
}

/** The most gas that one delivery of a batch may use; a message that needs more goes alone. */
const DELIVERY_GAS_MAX = 3_000_000n

/** Gives the call of the Mailbox that delivers a message. */
export function processCall({ metadata, raw }: MessageRecord): Hex {
  return encodeFunctionData({
    abi: mailboxAbi,
    functionName: 'process',
    args: [metadata ?? '0x', raw],
  })
}

/** Tries one delivery: the gas it needs, or why it would revert. */
export async function tryOne(chain: Chain, from: Address, record: MessageRecord): Promise<Trial> {
  const none = { carrying: undefined, left: [], alone: [], reverts: [] }
  const data = processCall(record)
  const trial = await estimate(chain, { from, to: chain.mailbox, data })
  if (trial.status === 'reverts') return { ...none, reverts: [{ record, text: trial.text }] }
  const call = { to: chain.mailbox, data, gas: trial.gas }
  return { ...none, carrying: { call, records: [record] } }
}

/** Tries deliveries together, each harmless to the others, and says what of them goes at once. */
export async function tryTogether(
  chain: Chain & { deliveryBatch: Address },
  from: Address,
  { records, limits }: { records: readonly MessageRecord[]; limits: BatchLimits },
): Promise<Trial> {
  const wide = records.map((record) => ({ record, gasLimit: DELIVERY_GAS_MAX }))
  const outcomes = await simulate(chain, from, wide)
  const good = records.flatMap((record, i) => {
    const outcome = outcomes[i]
    if (outcome?.delivered !== true) return []
    const gasLimit = deliveryGasLimitUp(outcome.gasUsed)
    return [{ record, gasLimit, gas: gasLimit, bytes: size(processCall(record)) + 128 }]
  })
  const alone = records.filter((_, i) => outcomes[i]?.delivered !== true)
  const going = good.slice(0, batchLength(good, limits))
  const left = good.slice(going.length).map(({ record }) => record)
  if (going.length === 0) return { carrying: undefined, left, alone, reverts: [] }
  const data = batchCall(chain, going)
  const call = { to: chain.deliveryBatch, data, gas: batchGasLimitUp(going) }
  const carried = going.map(({ record }) => record)
  return { carrying: { call, records: carried }, left, alone, reverts: [] }
}

/** Says why a delivery would revert now; undefined when it would not. */
export async function revertNow(
  chain: Chain,
  from: Address,
  record: MessageRecord,
): Promise<string | undefined> {
  const trial = await estimate(chain, { from, to: chain.mailbox, data: processCall(record) })
  return trial.status === 'reverts' ? trial.text : undefined
}

type Attempt = { record: MessageRecord; gasLimit: bigint }

function batchCall(chain: Chain, attempts: readonly Attempt[]): Hex {
  const deliveries = attempts.map(({ record, gasLimit }) => {
    return { gasLimit, metadata: record.metadata ?? '0x', message: record.raw }
  })
  return encodeFunctionData({
    abi: deliveryBatchAbi,
    functionName: 'deliver',
    args: [chain.mailbox, deliveries],
  })
}

async function simulate(
  chain: Chain & { deliveryBatch: Address },
  from: Address,
  attempts: readonly Attempt[],
) {
  const data = batchCall(chain, attempts)
  const call = { from, to: chain.deliveryBatch, data }
  const result = await chain.rpc.call<Hex>('eth_call', [call, 'latest'])
  return decodeFunctionResult({ abi: deliveryBatchAbi, functionName: 'deliver', data: result })
}

/** Gives the gas limit of a call, or why it would revert. */
export async function estimate(
  chain: Chain,
  call: { from: Address; to: Address; data: Hex },
): Promise<{ status: 'ok'; gas: bigint } | { status: 'reverts'; text: string }> {
  try {
    const gas = await chain.rpc.call<Hex>('eth_estimateGas', [call])
    return { status: 'ok', gas: gasLimitUp(BigInt(gas)) }
  } catch (error) {
    if (!(error instanceof RpcError) || !isRevert(error)) throw error
    return { status: 'reverts', text: await decodeRevert(error) }
  }
}
