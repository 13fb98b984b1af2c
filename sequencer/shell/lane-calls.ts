import { toFunctionSelector, type Abi, type AbiFunction } from 'viem'
import { liquidationAuctionAbi } from '../../sdk/abi/liquidation-auction.ts'
import { optionsExchangeAbi } from '../../sdk/abi/options-exchange.ts'
import { spokeCreditAbi } from '../../sdk/abi/spoke-credit.ts'
import { spokeVaultAbi } from '../../sdk/abi/spoke-vault.ts'
import { LANE } from '../../sdk/protocol/entry.ts'
import type { Address } from '../../sdk/protocol/hex.ts'
import type { NetworkChain } from '../../sdk/protocol/network.ts'
import type { LaneCall } from '../core/config.ts'

type Rule = { contract: string; abi: Abi; functions: readonly string[]; lane: LaneCall['lane'] }

/**
 * Functions whose calls come before regular ones. Those of lane 1 revert unless the account is below
 * its line, which is the health predicate of that lane; those of lane 2 can only lower risk.
 */
const rules: readonly Rule[] = [
  {
    contract: 'liquidationAuction',
    abi: liquidationAuctionAbi as Abi,
    functions: ['restrict', 'call', 'start', 'bid'],
    lane: LANE.urgent,
  },
  {
    contract: 'optionsExchange',
    abi: optionsExchangeAbi as Abi,
    functions: ['cancel', 'cancelBelow'],
    lane: LANE.reduce,
  },
  {
    contract: 'spokeVault',
    abi: spokeVaultAbi as Abi,
    functions: ['deposit'],
    lane: LANE.reduce,
  },
  {
    contract: 'spokeCredit',
    abi: spokeCreditAbi as Abi,
    functions: ['giveBack', 'retire'],
    lane: LANE.reduce,
  },
]

/** Calls of a chain's contracts whose lane is not the regular one. */
export function laneCallsOf({ contracts }: NetworkChain): LaneCall[] {
  return rules.flatMap(({ contract, abi, functions, lane }) => {
    const address = contracts[contract]
    if (address === undefined) return []
    const to = address.toLowerCase() as Address
    return abi
      .filter((item): item is AbiFunction => item.type === 'function')
      .filter(({ name }) => functions.includes(name))
      .map((item) => ({ to, selector: toFunctionSelector(item), lane }))
  })
}
