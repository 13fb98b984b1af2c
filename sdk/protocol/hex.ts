/** Bytes as lower-case hexadecimal text with `0x` in front. */
export type Hex = `0x${string}`

/** A 20-byte address as hexadecimal text. */
export type Address = Hex

/** A 32-byte hash as hexadecimal text. */
export type Hash = Hex
