import { hashStruct, hashTypedData } from 'viem/utils'
import { tandemDomain } from './feeds.ts'
import type { Address, Hash, Hex } from './hex.ts'

/** One call of an intent, on one chain; it carries no coin. */
export type IntentCall = {
  chainId: bigint
  target: Address
  /** Gas that the call gets. */
  gas: bigint
  data: Hex
}

/** A bundle that its owner signs as a whole: its calls run in order, on every chain or on none. */
export type BundleIntent = {
  /** Key, or contract (ERC-1271) on each chain that it calls on, that signs. */
  owner: Address
  /** Any number that the owner has not used: the intent runs once. */
  nonce: bigint
  /** Log time after which it does not run, seconds since 1970. */
  deadlineS: bigint
  /** 1 to 16. */
  calls: readonly IntentCall[]
}

/** EIP-712 types of an intent; the domain is the network's, the names are those of the Solidity structs. */
export const bundleIntentTypes = {
  BundleIntent: [
    { name: 'owner', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadlineS', type: 'uint64' },
    { name: 'calls', type: 'IntentCall[]' },
  ],
  IntentCall: [
    { name: 'chainId', type: 'uint64' },
    { name: 'target', type: 'address' },
    { name: 'gas', type: 'uint64' },
    { name: 'data', type: 'bytes' },
  ],
} as const

/** Hash by which the inbox on `l1` names an intent: its EIP-712 struct hash. */
export function intentHash(intent: BundleIntent): Hash {
  return hashStruct({ data: intent, primaryType: 'BundleIntent', types: bundleIntentTypes })
}

/** What an intent's owner signs. */
export function intentDigest(logId: Hash, intent: BundleIntent): Hash {
  return hashTypedData({
    domain: tandemDomain(logId),
    types: bundleIntentTypes,
    primaryType: 'BundleIntent',
    message: intent,
  })
}
