import type { Address, Hash } from './hex.ts'
import { optional, uint, type Fields } from './rlp.ts'

/** What must hold on a chain, judged in the state in which it is asked (ERC-7796). */
export type LegCondition = {
  /** Number of the block that the leg stands in. */
  blockNumberMin?: number | undefined
  blockNumberMax?: number | undefined
  /** Time of that block, seconds since 1970. */
  timestampMin?: number | undefined
  timestampMax?: number | undefined
  /** Storage that accounts must have. */
  knownAccounts?: readonly KnownAccount[] | undefined
}

/** Storage slots of one account with the values that they must have. */
export type KnownAccount = {
  address: Address
  slots: readonly { slot: Hash; value: Hash }[]
}

/** A condition and the chain that it is about. */
export type ChainCondition = LegCondition & { chainId: number }

/** A condition as RLP fields. */
export function legConditionFields(condition: LegCondition): Fields[] {
  const { blockNumberMin, blockNumberMax, timestampMin, timestampMax, knownAccounts } = condition
  return [
    optional(blockNumberMin),
    optional(blockNumberMax),
    optional(timestampMin),
    optional(timestampMax),
    (knownAccounts ?? []).map(({ address, slots }) => [
      address,
      slots.map(({ slot, value }) => [slot, value]),
    ]),
  ]
}

/** A condition of a whole bundle as RLP fields. */
export function bundleConditionFields(condition: ChainCondition): Fields {
  return [uint(condition.chainId), ...legConditionFields(condition)]
}
