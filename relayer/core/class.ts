import { addressOfWord, type HyperlaneMessage } from './message.ts'
import type { Address, Hex } from '../../sdk/protocol/hex.ts'

/** Classes of messages, the most urgent first; a class's number on the wire is its place here. */
export const MESSAGE_CLASSES = [
  'liquidation',
  'margin-call',
  'credit',
  'withdrawal',
  'transfer',
] as const

/** What a message is for: it decides whom it may wait behind. */
export type MessageClass = (typeof MESSAGE_CLASSES)[number]

/** Signers of a destination: what is critical never queues behind a stuck transfer. */
export const SIGNER_LANES = ['critical', 'transfer'] as const

/** One signer of a destination. */
export type SignerLane = (typeof SIGNER_LANES)[number]

/** Who may give its messages a class: our contracts on the origin, and the network they belong to. */
export type ClassTrust = {
  /** Addresses in lower case. */
  senders: ReadonlySet<Address>
  /** The network's log id; the first 8 bytes stand in each of our messages. */
  logId: Hex
}

const BODY_VERSION = 1

/**
 * Gives a message's class.
 *
 * The class in a body counts only when one of our own contracts sent it in this network: anyone
 * else's message is a transfer, whatever its bytes say, so that nobody takes a priority.
 */
export function classOf(message: HyperlaneMessage, trust: ClassTrust): MessageClass {
  if (!trust.senders.has(addressOfWord(message.sender))) return 'transfer'
  const body = message.body.slice(2).toLowerCase()
  if (body.length < 38 || Number.parseInt(body.slice(0, 2), 16) !== BODY_VERSION) return 'transfer'
  if (body.slice(22, 38) !== trust.logId.slice(2, 18).toLowerCase()) return 'transfer'
  return MESSAGE_CLASSES[Number.parseInt(body.slice(4, 6), 16)] ?? 'transfer'
}

/** Gives the signer lane of a class. */
export function laneOfClass(messageClass: MessageClass): SignerLane {
  return messageClass === 'liquidation' || messageClass === 'margin-call' ? 'critical' : 'transfer'
}
