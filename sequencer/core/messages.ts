import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { LIMITS } from '../../sdk/protocol/limits.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import { chainOf, type CoreConfig } from './config.ts'
import type { LegLog } from './execution.ts'

/** `Dispatch(address indexed sender, uint32 indexed destination, bytes32 indexed recipient, bytes)`. */
export const DISPATCH_TOPIC: Hash =
  '0x769f711d20c679153d382254f59892613b58a97cc876b249134ac25c80f9c814'

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
}

/**
 * Reads the messages that a leg on `chainId` dispatched to sequenced rollups, in order. Left out is
 * what a relayer brings: other destinations, recipients that insist on validators, large messages.
 */
export function dispatchedMessages(
  config: CoreConfig,
  chainId: number,
  logs: readonly LegLog[],
): Message[] {
  const mailbox = chainOf(config, chainId)?.mailbox
  const messages: Message[] = []
  let ordinal = -1
  for (const log of logs) {
    if (log.address !== mailbox || log.topics[0] !== DISPATCH_TOPIC) continue
    ordinal += 1
    const message = readDispatch(log, ordinal)
    if (message === undefined) continue
    const destination = chainOf(config, message.destination)
    if (destination === undefined || destination.byRelayer.includes(message.recipient)) continue
    messages.push(message)
  }
  return messages
}

function readDispatch({ topics, data }: LegLog, ordinal: number): Message | undefined {
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
