import { decodeAbiParameters, toEventSelector } from 'viem/utils'
import type { Chain } from './chains.ts'
import type { PaymentLog } from '../indexing/payments.ts'
import { mailboxAbi, merkleTreeHookAbi } from '../../../sdk/abi/hyperlane.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { OriginPosition } from '../../core/stages.ts'

/** What an origin's contracts logged in a range of blocks, in the order of the chain. */
export type OriginLogs = {
  dispatches: readonly { raw: Hex; position: OriginPosition }[]
  leaves: readonly { messageId: Hash; index: number; blockNumber: number; blockHash: Hash }[]
  payments: readonly PaymentLog[]
}

const event = (abi: typeof mailboxAbi | typeof merkleTreeHookAbi, name: string): Hash => {
  const found = abi.find((item) => item.type === 'event' && item.name === name)
  if (found?.type !== 'event') throw new Error(`no event ${name}`)
  return toEventSelector(found)
}
const DISPATCH = event(mailboxAbi, 'Dispatch')
const INSERTED = event(merkleTreeHookAbi, 'InsertedIntoTree')

/** Hyperlane's `GasPayment(bytes32,uint32,uint256,uint256)`: message, domain, gas amount, payment. */
const GAS_PAYMENT = toEventSelector('GasPayment(bytes32,uint32,uint256,uint256)')

/** Topic of the event by which a Mailbox says that it processed a message. */
export const PROCESS_ID_TOPIC = event(mailboxAbi, 'ProcessId')

/** A log as JSON-RPC gives it. */
export type RawLog = {
  address: Address
  topics: readonly Hex[]
  data: Hex
  blockNumber: Hex
  blockHash: Hash
  logIndex: Hex
  transactionHash: Hash
  removed?: boolean
}

/** Reads what was dispatched and inserted into the tree in a range of blocks. */
export async function readOriginLogs(chain: Chain, from: number, to: number): Promise<OriginLogs> {
  const { gasPaymaster: paymaster } = chain
  const logs = await chain.rpc.call<readonly RawLog[]>('eth_getLogs', [
    {
      address: [chain.mailbox, chain.merkleTreeHook, ...(paymaster ? [paymaster] : [])],
      topics: [[DISPATCH, INSERTED, GAS_PAYMENT]],
      fromBlock: `0x${from.toString(16)}`,
      toBlock: `0x${to.toString(16)}`,
    },
  ])
  const dispatches: { raw: Hex; position: OriginPosition }[] = []
  const leaves: { messageId: Hash; index: number; blockNumber: number; blockHash: Hash }[] = []
  const payments: PaymentLog[] = []
  for (const log of logs) {
    if (log.removed === true) continue
    const blockNumber = Number(log.blockNumber)
    const { blockHash, transactionHash } = log
    if (sameAddress(log.address, chain.mailbox) && log.topics[0] === DISPATCH) {
      const [raw] = decodeAbiParameters([{ type: 'bytes' }], log.data)
      const logIndex = Number(log.logIndex)
      dispatches.push({ raw, position: { blockNumber, blockHash, logIndex, transactionHash } })
    } else if (sameAddress(log.address, chain.merkleTreeHook) && log.topics[0] === INSERTED) {
      const [messageId, index] = decodeAbiParameters(
        [{ type: 'bytes32' }, { type: 'uint32' }],
        log.data,
      )
      leaves.push({ messageId, index, blockNumber, blockHash })
    } else if (paymaster !== undefined && sameAddress(log.address, paymaster)) {
      const [gas, paymentWei] = decodeAbiParameters(
        [{ type: 'uint256' }, { type: 'uint256' }],
        log.data,
      )
      const place = `${blockHash}:${Number(log.logIndex)}`
      payments.push({ messageId: log.topics[1] ?? '0x', place, paymentWei, gas })
    }
  }
  return { dispatches, leaves, payments }
}

/** Reads the messages that a block's logs say its Mailbox dispatched. */
export async function readDispatches(chain: Chain, blockHash: Hash): Promise<readonly Hex[]> {
  const filter = { address: chain.mailbox, topics: [DISPATCH], blockHash }
  return decodeDispatches(chain, await chain.rpc.call<readonly RawLog[]>('eth_getLogs', [filter]))
}

/** Gives the messages that a transaction's logs say its Mailbox dispatched. */
export function decodeDispatches(chain: Chain, logs: readonly RawLog[]): readonly Hex[] {
  return logs.flatMap(({ address, topics, data }) => {
    if (!sameAddress(address, chain.mailbox) || topics[0] !== DISPATCH) return []
    return [decodeAbiParameters([{ type: 'bytes' }], data)[0]]
  })
}

/** Says whether two addresses are the same, whatever their case. */
export function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
