/** What a batch may hold. */
export type BatchLimits = {
  messagesMax: number
  /** Gas that one transaction may ask for. */
  gasMax: bigint
  /** Bytes of call data in one transaction. */
  bytesMax: number
}

/** What a message adds to a batch. */
export type BatchItem = { gas: bigint; bytes: number }

const TRANSACTION_GAS = 21_000n
/** Gas of one delivery in a batch besides its own: the loop, the copy of its data, its outcome. */
const PLACE_GAS = 12_000n
/** Gas of a byte of call data: the floor of EIP-7623 for a byte that is not zero. */
const BYTE_GAS = 40n

/**
 * Says how many of the items, from the first on, go together.
 *
 * @returns at least 1 when there are items: one that is too large alone is the caller's to refuse.
 */
export function batchLength(items: readonly BatchItem[], limits: BatchLimits): number {
  let gas = TRANSACTION_GAS
  let bytes = 0
  let length = 0
  for (const item of items) {
    gas += placeGas(item)
    bytes += item.bytes
    if (length > 0 && (gas > limits.gasMax || bytes > limits.bytesMax)) break
    length += 1
    if (length >= limits.messagesMax) break
  }
  return length
}

/** Gives the gas limit of a transaction that carries a batch. */
export function batchGasLimitUp(items: readonly BatchItem[]): bigint {
  return items.reduce((sum, item) => sum + placeGas(item), TRANSACTION_GAS)
}

/** Gives the gas limit of one delivery in a batch from what it used in simulation: a quarter more. */
export function deliveryGasLimitUp(used: bigint): bigint {
  return used + used / 4n + 20_000n
}

function placeGas({ gas, bytes }: BatchItem): bigint {
  // A call passes on 63/64 of what is left; the rest stays with the caller.
  return gas + gas / 32n + PLACE_GAS + BigInt(bytes) * BYTE_GAS
}
