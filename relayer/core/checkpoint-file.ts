import { z } from 'zod'
import type { Checkpoint, Signature } from './checkpoint.ts'
import { addressOfWord, wordOfAddress } from './message.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'

/** A checkpoint and its validator's signature. */
export type SignedCheckpoint = { checkpoint: Checkpoint; signature: Signature }

/** Largest checkpoint file that is read, in bytes. */
export const CHECKPOINT_FILE_BYTES_MAX = 8 * 1024

const word = z.string().regex(/^0x[0-9a-fA-F]{64}$/)
const uint32 = z.int().min(0).max(0xffff_ffff)
const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/)

const fileSchema = z.object({
  value: z.object({
    checkpoint: z.object({
      merkle_tree_hook_address: word,
      mailbox_domain: uint32,
      root: word,
      index: uint32,
    }),
    message_id: word,
  }),
  signature: z.object({ r: quantity, s: quantity, v: z.int().min(0).max(28) }),
})

/** Names the file of a checkpoint, as Hyperlane's agents do. */
export function checkpointFileName(index: number): string {
  return `${index}_with_id.json`
}

/** Writes a signed checkpoint exactly as Hyperlane's agents store it locally. */
export function encodeCheckpointFile({ checkpoint, signature }: SignedCheckpoint): string {
  const value = {
    checkpoint: {
      merkle_tree_hook_address: wordOfAddress(checkpoint.hook),
      mailbox_domain: checkpoint.origin,
      root: checkpoint.root,
      index: checkpoint.index,
    },
    message_id: checkpoint.messageId,
  }
  return JSON.stringify(signedJson(value, signature), null, 2)
}

/**
 * Reads a checkpoint file of this or of Hyperlane's own validator.
 *
 * @returns undefined when the text is no such file; the signature is not verified here.
 */
export function decodeCheckpointFile(text: string): SignedCheckpoint | undefined {
  if (text.length > CHECKPOINT_FILE_BYTES_MAX) return undefined
  const parsed = fileSchema.safeParse(jsonOrUndefined(text))
  if (!parsed.success) return undefined
  const { value, signature } = parsed.data
  const { checkpoint } = value
  const v = signature.v < 27 ? signature.v + 27 : signature.v
  const wide = (text: string) => text.slice(2).padStart(64, '0').toLowerCase()
  return {
    checkpoint: {
      hook: addressOfWord(checkpoint.merkle_tree_hook_address as Hex),
      origin: checkpoint.mailbox_domain,
      root: checkpoint.root.toLowerCase() as Hash,
      index: checkpoint.index,
      messageId: value.message_id.toLowerCase() as Hash,
    },
    signature: `0x${wide(signature.r)}${wide(signature.s)}${v.toString(16)}`,
  }
}

/** Writes a signed announcement exactly as Hyperlane's agents store it locally. */
export function encodeAnnouncementFile(announcement: {
  validator: Address
  mailbox: Address
  origin: number
  location: string
  signature: Signature
}): string {
  const value = {
    validator: announcement.validator.toLowerCase(),
    mailbox_address: wordOfAddress(announcement.mailbox),
    mailbox_domain: announcement.origin,
    storage_location: announcement.location,
  }
  return JSON.stringify(signedJson(value, announcement.signature), null, 2)
}

/** Writes a reorg flag exactly as Hyperlane's agents store it locally. */
export function encodeReorgFlag(flag: {
  localRoot: Hash
  chainRoot: Hash
  index: number
  timestampS: number
  reorgPeriod: number
}): string {
  const value = {
    local_merkle_root: flag.localRoot,
    canonical_merkle_root: flag.chainRoot,
    checkpoint_index: flag.index,
    unix_timestamp: flag.timestampS,
    reorg_period: flag.reorgPeriod,
  }
  return JSON.stringify(value, null, 2)
}

function signedJson(value: unknown, signature: Signature) {
  const part = (from: number) => {
    // Numbers, not words: leading zeros are dropped, as in any JSON-RPC quantity.
    const digits = signature.slice(2 + 2 * from, 2 + 2 * (from + 32)).replace(/^0+(?=.)/, '')
    return `0x${digits}`
  }
  const v = Number.parseInt(signature.slice(130), 16)
  return { value, signature: { r: part(0), s: part(32), v }, serialized_signature: signature }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is one way of not being such a file.
    return undefined
  }
}
