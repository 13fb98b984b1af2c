import { decodeEventLog, toEventSelector } from 'viem/utils'
import { earlyMessagesAbi } from '../../../sdk/abi/early-messages.ts'
import { hubVaultAbi } from '../../../sdk/abi/hub-vault.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import type { EarlyEvent } from '../../core/early.ts'
import type { Chain } from '../chains/chains.ts'
import { sameAddress, type RawLog } from '../chains/logs.ts'

const EARLY_EVENTS = ['AcceptedEarly', 'Confirmed', 'Forgotten'] as const
const VAULT_EVENTS = ['PaymentHeld', 'PaymentReleased'] as const

const TOPICS: readonly Hash[] = [...earlyMessagesAbi, ...hubVaultAbi].flatMap((item) => {
  const names: readonly string[] = [...EARLY_EVENTS, ...VAULT_EVENTS]
  return item.type === 'event' && names.includes(item.name) ? [toEventSelector(item)] : []
})

/** A chain that accepts messages on the sequencer's word. */
export type EarlyChain = Chain & { earlyMessages: Address }

/** Reads what a chain said about its early messages and held payments in a range of blocks. */
export async function readEarlyEvents(
  chain: EarlyChain,
  from: number,
  to: number,
): Promise<readonly EarlyEvent[]> {
  const { earlyMessages, hubVault, rpc } = chain
  const logs = await rpc.call<readonly RawLog[]>('eth_getLogs', [
    {
      address: hubVault === undefined ? [earlyMessages] : [earlyMessages, hubVault],
      topics: [TOPICS],
      fromBlock: `0x${from.toString(16)}`,
      toBlock: `0x${to.toString(16)}`,
    },
  ])
  return logs.flatMap((log) => {
    if (log.removed === true) return []
    const event = sameAddress(log.address, earlyMessages) ? ofEarly(log) : ofVault(log)
    return event === undefined ? [] : [event]
  })
}

function ofEarly(log: RawLog): EarlyEvent | undefined {
  const { eventName, args } = decodeEventLog({ abi: earlyMessagesAbi, ...parts(log) })
  if (eventName === 'Confirmed' || eventName === 'Forgotten') {
    return { type: 'closed', place: args.place }
  }
  if (eventName !== 'AcceptedEarly') return undefined
  const { place, origin, nonce, messageId } = args
  const blockNumber = Number(log.blockNumber)
  const { transactionHash } = log
  return {
    type: 'accepted',
    message: { place, origin, nonce, messageId, blockNumber, transactionHash },
  }
}

function ofVault(log: RawLog): EarlyEvent | undefined {
  const { eventName, args } = decodeEventLog({ abi: hubVaultAbi, ...parts(log) })
  if (eventName === 'PaymentReleased') return { type: 'released', place: args.place }
  if (eventName !== 'PaymentHeld') return undefined
  const { place, until } = args
  return { type: 'held', payment: { place, until, blockNumber: Number(log.blockNumber) } }
}

function parts({ topics, data }: RawLog) {
  return { topics: topics as [Hash, ...Hash[]], data }
}
