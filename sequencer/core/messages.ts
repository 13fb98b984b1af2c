import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import { chainOf, type CoreChain, type CoreConfig } from './config.ts'
import type { LegLog } from './execution.ts'
import { FREE_DELIVERY_GAS } from './system-calls.ts'

/** `Dispatch(address indexed sender, uint32 indexed destination, bytes32 indexed recipient, bytes)`. */
export const DISPATCH_TOPIC: Hash =
  '0x769f711d20c679153d382254f59892613b58a97cc876b249134ac25c80f9c814'

/** `DeliveryBought(bytes32 indexed messageId, uint32 indexed destination, uint256 gasLimit, uint256 paidWei)`. */
export const BOUGHT_TOPIC: Hash =
  '0x506fe87675d8e73b7cc892f95730ef134d6902171af80e12d8abc149223a8615'

/** A message that a leg dispatched to a sequenced rollup. */
export type Message = {
  id: Hash
  /** Place among the messages of its leg: names it while ids still change. */
  ordinal: number
  destination: number
  /** Lower case. */
  recipient: Address
  /** Hyperlane's message bytes. */
  bytes: Hex
  /** Gas that was bought for its delivery in the slot; undefined when none was: a relayer brings it. */
  gas: bigint | undefined
}

/**
 * Reads the messages that a leg on `chainId` dispatched to sequenced rollups, in order. Left out is
 * what a relayer brings: other destinations, recipients that insist on validators, large messages. What
 * nobody bought delivery for is among them, without gas.
 */
export function dispatchedMessages(
  config: CoreConfig,
  chainId: number,
  logs: readonly LegLog[],
): Message[] {
  const chain = chainOf(config, chainId)
  const bought = boughtGas(chain, logs)
  const messages: Message[] = []
  let ordinal = -1
  for (const log of logs) {
    if (log.address !== chain?.mailbox || log.topics[0] !== DISPATCH_TOPIC) continue
    ordinal += 1
    const read = readDispatch(log, ordinal)
    if (read === undefined) continue
    const gas = bought === undefined ? FREE_DELIVERY_GAS : bought.get(read.id)
    const message = { ...read, gas }
    const destination = chainOf(config, message.destination)
    if (destination === undefined || destination.byRelayer.includes(message.recipient)) continue
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

function readDispatch({ topics, data }: LegLog, ordinal: number): Omit<Message, 'gas'> | undefined {
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
  return {
    id: keccak256(bytes),
    ordinal,
    destination: Number(BigInt(destination)),
    recipient: `0x${recipient.slice(26).toLowerCase()}`,
    bytes,
  }
}
