import type { Address, Hash, Hex } from './hex.ts'

/** One signed transaction of a bundle, for one chain. */
export type BundleTx = {
  chainId: number
  /** The signed transaction as it would go to `eth_sendRawTransaction`. */
  rawTx: Hex
  /** The bundle stands even if this leg reverts. */
  canRevert?: boolean | undefined
}

/** What `eth_sendBundle` takes. */
export type BundleRequest = {
  /** 1 to 16 legs, executed in this order. */
  txs: readonly BundleTx[]
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
  /** Names the bundle for replacement and cancellation by the same sender (UUID text). */
  replacementUuid?: string | undefined
  /** Salt of `onlyInBundle`: the slot lists keccak256(abi.encode(sender, salt)) for each sender. */
  salt?: Hash | undefined
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
