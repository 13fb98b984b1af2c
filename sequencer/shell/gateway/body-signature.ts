import { hashMessage } from 'viem/utils'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { recoverSigner } from '../signing.ts'

/** Header in which Flashbots' clients sign a request's body, in lower case. */
export const BODY_SIGNATURE_HEADER = 'x-flashbots-signature'

/**
 * Finds who signed the body of a request: `<address>:<signature>` over the text of its keccak256, by
 * EIP-191.
 *
 * @returns The address in lower case.
 * @throws {@link TandemError} BAD_SIGNATURE when the header has another form or another key signed.
 */
export function bodySigner(header: string, body: Uint8Array): Address {
  const what = 'X-Flashbots-Signature'
  const found = /^(0x[0-9a-fA-F]{40}):(0x[0-9a-fA-F]{130})$/.exec(header.trim())
  const [, address, signature] = found ?? []
  if (address === undefined || signature === undefined) {
    const expected = '<address>:<signature of 65 bytes>'
    throw new TandemError('BAD_SIGNATURE', { what, actual: 'nobody', expected })
  }
  const digest = hashMessage(keccak256(body))
  const actual = recoverSigner(digest, signature as Hex)
  const expected = address.toLowerCase() as Address
  if (actual === expected) return actual
  throw new TandemError('BAD_SIGNATURE', { what, actual: actual ?? 'nobody', expected })
}
