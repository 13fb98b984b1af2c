import { encodeFunctionData, parseAbi } from 'viem/utils'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { chainOf, type CoreChain, type CoreConfig } from '../config.ts'
import type { LegLog } from '../entries/execution.ts'
import { FREE_DELIVERY_GAS, ITEM_GAS } from '../slots/system-calls.ts'

/** `Dispatch(address indexed sender, uint32 indexed destination, bytes32 indexed recipient, bytes)`. */
export const DISPATCH_TOPIC: Hash =
  '0x769f711d20c679153d382254f59892613b58a97cc876b249134ac25c80f9c814'

/** `DeliveryBought(bytes32 indexed messageId, uint32 indexed destination, uint256 gasLimit, uint256 paidWei)`. */
export const BOUGHT_TOPIC: Hash =
  '0x506fe87675d8e73b7cc892f95730ef134d6902171af80e12d8abc149223a8615'

/** `ItemSent(address indexed sender, uint32 indexed destination, address indexed recipient, bytes32, bytes)`. */
export const ITEM_TOPIC: Hash = '0x80cec4468962769787a04df1ce380d4e2d882853a4e01c19d4ba1d40dd9360f8'

/** What a leg sent to a sequenced rollup: a message, or an item for the inbox of the slot. */
export type Message = {
  way: 'mailbox' | 'inbox'
  /** keccak256 of `bytes`. */
  id: Hash
  /** Place among the messages of its leg: names it while ids still change. */
  ordinal: number
  destination: number
  /** Lower case. */
  recipient: Address
  /** Hyperlane's message bytes; of an item the call of the inbox. */
  bytes: Hex
  /**
   * Gas for its delivery in the slot: what was bought, or what an item takes. Undefined when none was
   * bought: a relayer brings the message.
   */
  gas: bigint | undefined
}

/**
 * Reads the messages and items that a leg on `chainId` sent to sequenced rollups, in order. Left out is
 * what a relayer brings: other destinations, recipients that insist on validators, large messages. A
 * message that nobody bought delivery for is among them, without gas.
 */
export function dispatchedMessages(
  config: CoreConfig,
  chainId: number,
  logs: readonly LegLog[],
): Message[] {
  const origin = chainOf(config, chainId)
  const bought = boughtGas(origin, logs)
  const messages: Message[] = []
  let ordinal = -1
  for (const log of logs) {
    const way = wayOf(origin, log)
    if (way === undefined) continue
    ordinal += 1
    const message =
      way === 'mailbox' ? readDispatch(log, ordinal, bought) : readItem(chainId, log, ordinal)
    if (message === undefined) continue
    const destination = chainOf(config, message.destination)
    if (destination === undefined || destination.byRelayer.includes(message.recipient)) continue
    if (way === 'inbox' && destination.slotInbox === undefined) continue
    messages.push(message)
  }
  return messages
}

/** Gas by message id, as the chain's hook sold it; undefined where delivery is free. */
function boughtGas(
  chain: CoreChain | undefined,
  logs: readonly LegLog[],
): ReadonlyMap<Hash, bigint> | undefined {
  if (chain?.sequencedHook === undefined) return undefined
  const gas = new Map<Hash, bigint>()
  for (const { address, topics, data } of logs) {
    const [topic, id] = topics
    if (address !== chain.sequencedHook || topic !== BOUGHT_TOPIC || id === undefined) continue
    if (data.length === 130) gas.set(id, BigInt(data.slice(0, 66)))
  }
  return gas
}

function wayOf(origin: CoreChain | undefined, log: LegLog): Message['way'] | undefined {
  const [topic] = log.topics
  if (log.address === origin?.mailbox && topic === DISPATCH_TOPIC) return 'mailbox'
  return log.address === origin?.slotInbox && topic === ITEM_TOPIC ? 'inbox' : undefined
}

function readDispatch(
  { topics, data }: LegLog,
  ordinal: number,
  bought: ReadonlyMap<Hash, bigint> | undefined,
): Message | undefined {
  const [, , destination, recipient] = topics
  if (destination === undefined || recipient === undefined) return undefined
  // An address stands in the low 20 bytes; what has more is no EVM recipient.
  if (!recipient.startsWith(`0x${'0'.repeat(24)}`)) return undefined
  if (data.length < 130) return undefined
  const offset = Number(BigInt(`0x${data.slice(2, 66)}`))
  if (offset !== 32) return undefined
  const length = Number(BigInt(`0x${data.slice(66, 130)}`))
  if (length > LIMITS.messageBytes || data.length < 130 + length * 2) return undefined
  const bytes: Hex = `0x${data.slice(130, 130 + length * 2)}`
  const id = keccak256(bytes)
  return {
    way: 'mailbox',
    id,
    ordinal,
    destination: Number(BigInt(destination)),
    recipient: `0x${recipient.slice(26).toLowerCase()}`,
    bytes,
    gas: bought === undefined ? FREE_DELIVERY_GAS : bought.get(id),
  }
}

const inboxAbi = parseAbi([
  'function putInbox(uint32 origin, address sender, address recipient, bytes32 label, bytes data)',
])

/** What the contract wrote has this form; whatever else stands there is no item. */
function readItem(chainId: number, { topics, data }: LegLog, ordinal: number): Message | undefined {
  const [, sender, destination, recipient] = topics
  if (sender === undefined || destination === undefined || recipient === undefined) return undefined
  if (data.length < 194) return undefined
  const label: Hash = `0x${data.slice(2, 66)}`
  const length = Number(BigInt(`0x${data.slice(130, 194)}`))
  const item: Hex = `0x${data.slice(194, 194 + length * 2)}`
  const address = (word: Hash): Address => `0x${word.slice(26).toLowerCase()}`
  const bytes = encodeFunctionData({
    abi: inboxAbi,
    functionName: 'putInbox',
    args: [chainId, address(sender), address(recipient), label, item],
  })
  return {
    ...{ way: 'inbox' as const, id: keccak256(bytes), ordinal, bytes, gas: ITEM_GAS },
    ...{ destination: Number(BigInt(destination)), recipient: address(recipient) },
  }
}
