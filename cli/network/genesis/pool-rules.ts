import type { LocalChain } from '../../../sdk/protocol/chains.ts'
import type { LocalAsset } from './market.ts'

const usd18 = 10n ** 18n

/** Rules of the margin verifier on a local network. */
export const MARGIN_RULES = {
  paramsVersion: 1,
  /** Two underlyings at one update a second each: a minute and more. */
  maxMarksLag: 128n,
  maxMarkAgeMs: 60_000n,
}

/** Rules of leases on a local network. */
export const LEASE_RULES = {
  maxLeaseS: 30 * 86_400,
  accountCap18: 10_000_000n * usd18,
  totalCap18: 100_000_000n * usd18,
}

/** Most credit on one rollup, USD × 10^18. */
export const SPOKE_CAP18 = 50_000_000n * usd18

/** Daily bounds of a reference protocol, USD × 10^18. */
export const PROTOCOL_RULES = {
  usedPerDay18: 50_000_000n * usd18,
  cashPerDay18: 50_000_000n * usd18,
}

/** How far ahead of the slot's time marks may be, milliseconds. */
export const MARKS_TOLERANCE_MS = 2_000

/** Whole tokens that the custody of one chain may hold, and how the hub counts each as collateral. */
const COLLATERAL: Readonly<
  Record<number, { custodyTokens: bigint; haircut4: number; countedTokens: bigint }>
> = {
  1: { custodyTokens: 1_000_000_000n, haircut4: 0, countedTokens: 100_000_000n },
  2: { custodyTokens: 1_000_000n, haircut4: 1_000, countedTokens: 50_000n },
}

/** Gives an asset's entry in the ledger. */
export function ledgerAsset(
  { id, underlying, decimals }: LocalAsset,
  chains: readonly LocalChain[],
  token: `0x${string}`,
) {
  const { haircut4, countedTokens } = COLLATERAL[id]!
  return {
    asset: id,
    underlying: underlying ?? 0,
    haircut4,
    collateralCap18: countedTokens * 10n ** 18n,
    tokens: chains.map(({ chainId }) => ({ chainId, token, decimals })),
  }
}

/** Gives an asset's entry in the vault of a chain. */
export function vaultAsset({ id, decimals }: LocalAsset, token: `0x${string}`) {
  const custodyCap = COLLATERAL[id]!.custodyTokens * 10n ** BigInt(decimals)
  return { asset: id, token, decimals, custodyCap }
}

/** What a place in the inbox on a local network costs, in wei of that chain's coin. */
export const FORCED_FEES = {
  base: 1_000_000_000_000_000n,
  perByte: 1_000_000_000n,
  perGas: 1_000_000_000n,
}

/** What faults of the sequencer cost on a local network; shares × 10^4. */
export const SLASHING = { delayS: 7n * 86_400n, admittedShare4: 1_000, reporterShare4: 500 }

/** Most value that one route takes on the sequencer's word and validators have not signed yet, micro-dollars. */
export const FAST_CAP6 = 10_000_000_000_000n

/** What delivery in the slot costs on a local network (nothing), and the gas that it gets. */
export const DELIVERY_TERMS = { priceWei: 0n, gasDefault: 5_000_000, gasMax: 20_000_000 }
