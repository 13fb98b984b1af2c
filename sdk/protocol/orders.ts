import type { Address, Hash } from './hex.ts'
import type { AccountId, RiskKey } from './ids.ts'

/** An offer by an account at an options exchange, signed by the account's owner. */
export type Order = {
  account: AccountId
  riskKey: RiskKey
  /** Contracts × 10^18, signed: above zero the account buys, below it sells. */
  size18: bigint
  /** USD × 10^18 for one contract. */
  price18: bigint
  /** Tells equal orders apart, and lets the owner cancel all below a number. Range: uint64. */
  nonce: bigint
  /** Last second in which it may be filled. */
  expiryS: number
  /** Account that alone may fill it; 32 zero bytes: any. */
  taker: AccountId
}

/** How a fill belongs to a bundle. */
export type FillGuard = {
  /** Salt of the bundle; 32 zero bytes: the fill may stand alone. */
  salt: Hash
  /** Last slot of the log in which the fill may stand. */
  maxSlot: bigint
  /** The taker's margin is checked by the bundle's leg on the hub, not against leased capacity. */
  joint: boolean
}

/** EIP-712 domain of the orders of one exchange on one chain. */
export function exchangeDomain(
  chainId: number,
  exchange: Address,
): { name: 'Tandem OptionsExchange'; chainId: number; verifyingContract: Address } {
  return { name: 'Tandem OptionsExchange', chainId, verifyingContract: exchange }
}

/** EIP-712 types of {@link Order}; the field names are those of the Solidity struct. */
export const orderTypes = {
  Order: [
    { name: 'account', type: 'bytes32' },
    { name: 'riskKey', type: 'uint256' },
    { name: 'size18', type: 'int256' },
    { name: 'price18', type: 'uint256' },
    { name: 'nonce', type: 'uint64' },
    { name: 'expiryS', type: 'uint40' },
    { name: 'taker', type: 'bytes32' },
  ],
} as const
