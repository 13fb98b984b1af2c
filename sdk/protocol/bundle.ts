import type { Address, Hash, Hex } from './hex.ts'
import type { AccountId } from './ids.ts'

/** One signed transaction of a bundle, for one chain. */
export type BundleTx = {
  /** Chain that it is for; default: the one that it is signed for. */
  chainId?: number | undefined
  /** The signed transaction as it would go to `eth_sendRawTransaction`. */
  rawTx: Hex
  /** The bundle stands even if this leg reverts. */
  canRevert?: boolean | undefined
  /** The bundle stands without this leg where it would fail, its nonce does not fit or `if` is false. */
  canSkip?: boolean | undefined
  /** Places of earlier legs that must have succeeded, or this one counts as failed. */
  after?: readonly number[] | undefined
  /** What must hold on the leg's chain where it stands, or it counts as failed (ERC-7796). */
  if?: ConditionRequest | undefined
}

/** Options of ERC-7796 without storage roots: account to storage slot to the value it must have. */
export type ConditionRequest = {
  blockNumberMin?: number | undefined
  blockNumberMax?: number | undefined
  /** Seconds since 1970. */
  timestampMin?: number | undefined
  timestampMax?: number | undefined
  knownAccounts?: Readonly<Record<Address, Readonly<Record<Hash, Hash>>>> | undefined
}

/** What `eth_sendBundle` takes. */
export type BundleRequest = {
  /** 1 to 16 legs, executed in this order; a signed transaction alone is a required leg. */
  txs: readonly (BundleTx | Hex)[]
  /** Number that the block with the first leg must have. */
  blockNumber?: number | undefined
  /** First slot in which the bundle may stand. */
  minSlot?: bigint | undefined
  /** Last slot in which the bundle may stand; default: a fixed number of slots from now. */
  maxSlot?: bigint | undefined
  /** Earliest slot time in seconds since 1970. */
  minTimestamp?: number | undefined
  /** Latest slot time in seconds since 1970. */
  maxTimestamp?: number | undefined
  /** Hashes of legs that may revert, besides those with `canRevert`. */
  revertingTxHashes?: readonly Hash[] | undefined
  /** Hashes of legs that may be left out, besides those with `canSkip`. */
  droppingTxHashes?: readonly Hash[] | undefined
  /** Names the bundle for replacement and cancellation by the same sender (UUID text). */
  replacementUuid?: string | undefined
  /** Salt of `onlyInBundle`: the slot lists keccak256(abi.encode(sender, salt)) for each sender. */
  salt?: Hash | undefined
  /** Runs after everything else of its slot. */
  backrun?: boolean | undefined
  /** Chain id to what must hold there where the bundle's first leg on that chain stands. */
  conditional?: Readonly<Record<number, ConditionRequest>> | undefined
  /** Places of legs whose messages to sequenced rollups must all be delivered in the slot. */
  requireDelivery?: readonly number[] | undefined
  /** The bundle stands only if the account's initial margin after it is at least this (USD × 10^18). */
  marginPredicate?: { account: AccountId; initialMin18: string } | undefined
}

/** What `eth_cancelBundle` takes: the first leg's sender withdraws the bundle of that name. */
export type CancelRequest = {
  replacementUuid: string
  sender: Address
  /** By `sender` over {@link cancelBundleTypes} under the network's domain. */
  signature: Hex
}

/** EIP-712 types of a cancellation; the domain is the network's. */
export const cancelBundleTypes = {
  CancelBundle: [
    { name: 'replacementUuid', type: 'string' },
    { name: 'sender', type: 'address' },
  ],
} as const
