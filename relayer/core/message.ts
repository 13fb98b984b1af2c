import { isHex, size, sliceHex } from 'viem/utils'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { BaseError } from '../../sdk/protocol/errors.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'

/** Version of Hyperlane's message format that this relayer carries. */
export const HYPERLANE_MESSAGE_VERSION = 3

/** Largest body that is relayed, in bytes. */
export const MESSAGE_BODY_BYTES_MAX = 16 * 1024

/** Bytes in front of the body: version 1, nonce 4, origin 4, sender 32, destination 4, recipient 32. */
const HEADER_BYTES = 77

/** A Hyperlane message, field by field. */
export type HyperlaneMessage = {
  /** Sequence number of the origin's Mailbox. Range: uint32. */
  nonce: number
  /** Domain of the origin, here its chain id. Range: uint32. */
  origin: number
  /** Sender as 32 bytes. */
  sender: Hex
  /** Domain of the destination, here its chain id. Range: uint32. */
  destination: number
  /** Recipient as 32 bytes. */
  recipient: Hex
  body: Hex
}

/**
 * Takes a message in Hyperlane's packed form apart.
 *
 * @throws {@link MessageFormatError} when it is too short, too long or of another version.
 */
export function decodeMessage(raw: Hex): HyperlaneMessage {
  if (!isHex(raw) || raw.length % 2 !== 0) throw new MessageFormatError('hexadecimal bytes', 'none')
  const bytes = size(raw)
  if (bytes < HEADER_BYTES) {
    throw new MessageFormatError(`at least ${HEADER_BYTES} bytes`, `${bytes}`)
  }
  if (bytes > HEADER_BYTES + MESSAGE_BODY_BYTES_MAX) {
    throw new MessageFormatError(
      `a body of at most ${MESSAGE_BODY_BYTES_MAX} bytes`,
      `${bytes - HEADER_BYTES}`,
    )
  }
  const version = uint(raw, 0, 1)
  if (version !== HYPERLANE_MESSAGE_VERSION) {
    throw new MessageFormatError(`version ${HYPERLANE_MESSAGE_VERSION}`, `${version}`)
  }
  return {
    nonce: uint(raw, 1, 5),
    origin: uint(raw, 5, 9),
    sender: sliceHex(raw, 9, 41),
    destination: uint(raw, 41, 45),
    recipient: sliceHex(raw, 45, HEADER_BYTES),
    body: bytes === HEADER_BYTES ? '0x' : sliceHex(raw, HEADER_BYTES),
  }
}

/** Packs a message into Hyperlane's form: the inverse of {@link decodeMessage}. */
export function encodeMessage(message: HyperlaneMessage): Hex {
  const header =
    hexUint(HYPERLANE_MESSAGE_VERSION, 1) +
    hexUint(message.nonce, 4) +
    hexUint(message.origin, 4) +
    message.sender.slice(2) +
    hexUint(message.destination, 4) +
    message.recipient.slice(2)
  return `0x${header}${message.body.slice(2)}`.toLowerCase() as Hex
}

/** Gives a packed message's id: its keccak256. */
export function messageIdOf(raw: Hex): Hash {
  return keccak256(raw)
}

/** Gives the address in the low 20 bytes of a 32-byte word, in lower case. */
export function addressOfWord(word: Hex): Address {
  return `0x${word.slice(26).toLowerCase()}`
}

/** Widens an address to a 32-byte word, in lower case. */
export function wordOfAddress(address: Address): Hex {
  return `0x${'0'.repeat(24)}${address.slice(2).toLowerCase()}`
}

function uint(raw: Hex, start: number, end: number): number {
  return Number.parseInt(raw.slice(2 + 2 * start, 2 + 2 * end), 16)
}

function hexUint(value: number, bytes: number): string {
  return value.toString(16).padStart(2 * bytes, '0')
}

/** Bytes that should be a Hyperlane message are none. */
export class MessageFormatError extends BaseError {
  override readonly name = 'MessageFormatError'

  constructor(rule: string, actual: string) {
    super('The bytes are no Hyperlane message.', {
      code: 'MESSAGE_FORMAT',
      retryable: false,
      metaMessages: [`rule: ${rule}; actual: ${actual}`],
    })
  }
}
