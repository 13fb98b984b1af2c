import { encodeAbiParameters } from 'viem'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import {
  unpackInstrumentId,
  unpackRiskKey,
  type AccountId,
  type InstrumentId,
} from '../../../sdk/protocol/ids.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import { amount18, size18 } from '../../../sdk/protocol/units.ts'
import type { Holdings } from '../../../sdk/risk/ledger.ts'
import type { HubPortfolio } from './hub-books.ts'

/** Asset id of the numéraire. */
const NUMERAIRE = 1

/** What an account is about to do, on top of what the hub has on its books. */
export type PortfolioChange = {
  positions: readonly { instrument: InstrumentId; size18: bigint }[]
  claims: readonly { asset: number; amount18: bigint }[]
}

/**
 * Gives a portfolio after a change, in the order of its hash and without zeros.
 *
 * @throws TandemError MARGIN_UNAVAILABLE when a claim would be negative or positions too many.
 */
export function changed(
  held: HubPortfolio,
  change: PortfolioChange,
  account: AccountId,
): HubPortfolio {
  const positions = new Map(held.positions)
  const claims = new Map(held.claims)
  for (const { instrument, size18: size } of change.positions) {
    positions.set(instrument, (positions.get(instrument) ?? 0n) + size)
  }
  for (const { asset, amount18: amount } of change.claims) {
    const claim = (claims.get(asset) ?? 0n) + amount
    if (claim < 0n && asset !== NUMERAIRE) {
      const reason = `claim in asset ${asset} would be ${claim}`
      throw new TandemError('MARGIN_UNAVAILABLE', { account, reason })
    }
    claims.set(asset, claim)
  }
  const after = { positions: withoutZeros(positions), claims: withoutZeros(claims) }
  if (after.positions.size > LIMITS.positionsPerAccount) {
    const reason = `${after.positions.size} positions, limit ${LIMITS.positionsPerAccount}`
    throw new TandemError('MARGIN_UNAVAILABLE', { account, reason })
  }
  return after
}

function withoutZeros<K extends bigint | number>(entries: Map<K, bigint>): Map<K, bigint> {
  return new Map(
    [...entries].filter(([, value]) => value !== 0n).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** Gives a portfolio in the shape of the margin computation's input. */
export function holdingsOf(held: HubPortfolio): Holdings {
  return {
    claims: [...held.claims].map(([asset, value]) => ({ asset, amount18: amount18(value) })),
    positions: [...held.positions].map(([instrument, value]) => ({
      key: unpackInstrumentId(instrument).key,
      size18: size18(value),
    })),
  }
}

/** Gives the hash that `CreditBook.positionsHash` gives for this portfolio. */
export function positionsHash(account: AccountId, held: HubPortfolio): Hash {
  return keccak256(
    encodeAbiParameters(
      [
        { type: 'bytes32' },
        { type: 'uint256[]' },
        { type: 'int256[]' },
        { type: 'uint16[]' },
        { type: 'int256[]' },
      ],
      [
        account,
        [...held.positions.keys()],
        [...held.positions.values()],
        [...held.claims.keys()],
        [...held.claims.values()],
      ],
    ),
  )
}

/** Gives the underlyings whose marks a portfolio rests on: of its options and of its collateral. */
export function underlyingsOf(held: HubPortfolio, network: Network): Set<number> {
  const underlyings = new Set<number>()
  for (const instrument of held.positions.keys()) {
    underlyings.add(unpackRiskKey(unpackInstrumentId(instrument).key).underlying)
  }
  for (const asset of held.claims.keys()) {
    const { underlying } = network.assets.find(({ id }) => id === asset) ?? {}
    if (underlying !== undefined) underlyings.add(underlying)
  }
  return underlyings
}
