import { z } from 'zod'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'

/** An address, in lower case. */
export const addressShape = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address is 0x and 40 hexadecimal digits')
  .transform((text) => text.toLowerCase() as Address)

/** A 32-byte hash, in lower case. */
export const hashShape = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'a hash is 0x and 64 hexadecimal digits')
  .transform((text) => text.toLowerCase() as Hash)

/** Bytes, in lower case. */
export const bytesShape = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/, 'bytes are 0x and pairs of hexadecimal digits')
  .transform((text) => text.toLowerCase() as Hex)

const quantityText = z.string().regex(/^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/, {
  error: 'a quantity is 0x and digits without leading zeros',
  // What comes after it reads the text as a number.
  abort: true,
})

/** A quantity that is passed on as it came. */
export const quantityHexShape = quantityText.transform((text) => text as Hex)

const safeQuantity = quantityText
  .refine((text) => BigInt(text) <= BigInt(Number.MAX_SAFE_INTEGER), 'at most 2^53 - 1')
  .transform((text) => Number(text))

/** A count that is written as a quantity or as a JSON number. Range: 0 to 2^53 - 1. */
export const countShape = z.union([z.int().min(0), safeQuantity])

/** A slot's height, written as a quantity or as a JSON number. Range: uint53. */
export const slotShape = countShape.transform((value) => BigInt(value))

/** A signature of 65 bytes. */
export const signatureShape = z
  .string()
  .regex(/^0x[0-9a-fA-F]{130}$/, 'a signature is 0x and 130 hexadecimal digits')
  .transform((text) => text.toLowerCase() as Hex)

/** An integer as decimal text. Range: 64 bits, signed. */
export const decimalShape = z
  .string()
  .regex(/^(0|-?[1-9][0-9]{0,18})$/, 'an integer is decimal text without leading zeros')

/** A signed integer of at most 77 digits as decimal text. */
export const decimalWideShape = z
  .string()
  .regex(/^-?(0|[1-9][0-9]{0,76})$/, 'an integer is decimal text without leading zeros')
  .transform(BigInt)

/** Names of blocks that move. */
export const blockTagShape = z.enum(['latest', 'pending', 'earliest', 'safe', 'finalized'])

/** A block as Ethereum's JSON-RPC names it. */
export const blockShape = z.union(
  [
    blockTagShape,
    safeQuantity,
    z.strictObject({ blockNumber: safeQuantity }),
    z.strictObject({ blockHash: hashShape, requireCanonical: z.boolean().optional() }),
  ],
  { error: 'a block is a tag, a quantity, {blockNumber} or {blockHash}' },
)

/** A block as a request names it. */
export type BlockName = z.output<typeof blockShape>
