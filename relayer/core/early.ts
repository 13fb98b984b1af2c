import type { Hash } from '../../sdk/protocol/hex.ts'

/** A message that a destination accepted on the sequencer's word and that is not confirmed there. */
export type EarlyMessage = {
  /** Its place in the order of acceptance. */
  place: bigint
  origin: number
  nonce: number
  messageId: Hash
  /** Where it was accepted. */
  blockNumber: number
  transactionHash: Hash
}

/** A payment of the hub's that waits for the confirmation of all places below `until`. */
export type HeldPayment = { place: bigint; until: bigint; blockNumber: number }

/** What a chain said about its early messages and held payments. */
export type EarlyEvent =
  | { type: 'accepted'; message: EarlyMessage }
  | { type: 'closed'; place: bigint }
  | { type: 'held'; payment: HeldPayment }
  | { type: 'released'; place: bigint }

/** What is open on a chain; mutable, a view of its events. */
export type EarlyView = { messages: Map<bigint, EarlyMessage>; held: Map<bigint, HeldPayment> }

/** Makes a view in which nothing is open. */
export function emptyEarlyView(): EarlyView {
  return { messages: new Map(), held: new Map() }
}

/** Takes an event, in the order of the chain; one that was taken before changes nothing. */
export function takeEarly({ messages, held }: EarlyView, event: EarlyEvent): void {
  if (event.type === 'accepted') messages.set(event.message.place, event.message)
  else if (event.type === 'closed') messages.delete(event.place)
  else if (event.type === 'held') held.set(event.payment.place, event.payment)
  else held.delete(event.place)
}

/** Gives the block from which a process that knows nothing must read to know what is open. */
export function earlyCursor({ messages, held }: EarlyView, searchedTo: number): number {
  let first = searchedTo + 1
  for (const { blockNumber } of messages.values()) first = Math.min(first, blockNumber)
  for (const { blockNumber } of held.values()) first = Math.min(first, blockNumber)
  return first
}

/** Gives the held payments that may leave, the oldest first. */
export function releasable({ held }: EarlyView, confirmedBelow: bigint): readonly HeldPayment[] {
  const free = [...held.values()].filter(({ until }) => until <= confirmedBelow)
  return free.toSorted((a, b) => (a.place < b.place ? -1 : 1))
}
