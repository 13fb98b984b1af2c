import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'

/** What a call pays for gas, in wei per gas. */
export type LegFee =
  | { type: 'legacy'; gasPrice: bigint }
  | { type: 'eip2930'; gasPrice: bigint }
  | { type: 'eip1559'; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }

/** One line of an access list (EIP-2930). */
export type AccessListItem = { address: Address; storageKeys: readonly Hash[] }

/** What one transaction does, as a simulation takes it: no signature in it. */
export type Call = {
  /** Lower case. */
  from: Address
  /** Lower case; undefined creates a contract of the input. */
  to: Address | undefined
  input: Hex
  /** Wei. */
  value: bigint
  /** Gas limit. */
  gas: bigint
  /** Range: 0 to 2^53 - 1. */
  nonce: number
  fee: LegFee
  accessList: readonly AccessListItem[]
}

/** A signed transaction of a user, decoded; the sender is recovered from its signature. */
export type Leg = Call & {
  chainId: number
  /** keccak256 of the signed bytes. */
  hash: Hash
  /** The signed bytes. */
  rawTx: Hex
}

/** A transaction that is fixed and signed, user's or system's: what a node's pool gets. */
export type SignedLeg = { hash: Hash; rawTx: Hex }

/** Most that a call can take from its sender, in wei: value and the whole gas limit at the top fee. */
export function costMax(call: Call): bigint {
  return call.value + call.gas * feePerGasMax(call.fee)
}

/** Highest price that a call offers, in wei per gas. */
export function feePerGasMax(fee: LegFee): bigint {
  return fee.type === 'eip1559' ? fee.maxFeePerGas : fee.gasPrice
}

/** Price that a call pays under a base fee, in wei per gas. The offer must be at least the base fee. */
export function effectiveGasPrice(fee: LegFee, baseFeePerGas: bigint): bigint {
  if (fee.type !== 'eip1559') return fee.gasPrice
  const withTip = baseFeePerGas + fee.maxPriorityFeePerGas
  return withTip < fee.maxFeePerGas ? withTip : fee.maxFeePerGas
}
