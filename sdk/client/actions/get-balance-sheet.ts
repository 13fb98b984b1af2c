import { hubVaultAbi } from '../../abi/hub-vault.ts'
import { ledgerAbi } from '../../abi/ledger.ts'
import { spokeVaultAbi } from '../../abi/spoke-vault.ts'
import type { AssetId } from '../../protocol/ids.ts'
import { amount18, toLedger, tokenAmount, type Amount18 } from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import type { TandemClient } from '../create-client.ts'

/** Where one asset's tokens are, and whose they are; every amount in 18 decimals. */
export type BalanceSheet = {
  asset: AssetId
  symbol: string
  /** By chain name: tokens in that chain's vault. */
  custody: Record<string, Amount18>
  custodyTotal: Amount18
  /** Σ claims of accounts; debts in the numéraire count negative. */
  claims: Amount18
  liquidity: Amount18
  insurance: Amount18
  fees: Amount18
  /** Locked on a chain and not yet credited. */
  depositsInFlight: Amount18
  /** Debited on the hub and not yet paid. */
  paymentsInFlight: Amount18
  /** Custody less everything that is owed: 0 at every superblock. */
  difference: Amount18
}

type ChainTotals = { name: string; custody: bigint; deposited: bigint; paid: bigint }

/**
 * Reads the balance sheet of every asset from the chains: custody = claims + everything in flight.
 *
 * Sequenced chains are read at their published heads; on a chain of its own blocks a deposit or
 * payment that is mined between two reads shows as a difference for a moment.
 */
export async function getBalanceSheet(client: TandemClient): Promise<BalanceSheet[]> {
  return Promise.all(client.network.assets.map(({ id }) => assetSheet(client, id)))
}

async function assetSheet(client: TandemClient, asset: AssetId): Promise<BalanceSheet> {
  const { symbol, tokens } = client.network.assets.find(({ id }) => id === asset)!
  const chainIds = Object.keys(tokens).map(Number)
  const [ledger, spokes, hubSides] = await Promise.all([
    ledgerTotals(client, asset),
    Promise.all(chainIds.map((chainId) => chainTotals(client, chainId, asset))),
    Promise.all(chainIds.map((chainId) => hubTotals(client, chainId, asset))),
  ])
  let depositsInFlight = 0n
  let paymentsInFlight = 0n
  let custodyTotal = 0n
  for (const [i, spoke] of spokes.entries()) {
    custodyTotal += spoke.custody
    depositsInFlight += spoke.deposited - hubSides[i]!.credited
    paymentsInFlight += hubSides[i]!.debited - spoke.paid
  }
  const { claims, liquidity, insurance, fees } = ledger
  const owed = claims + liquidity + insurance + fees + depositsInFlight + paymentsInFlight
  return {
    asset,
    symbol,
    custody: Object.fromEntries(spokes.map(({ name, custody }) => [name, amount18(custody)])),
    custodyTotal: amount18(custodyTotal),
    claims: amount18(claims),
    liquidity: amount18(liquidity),
    insurance: amount18(insurance),
    fees: amount18(fees),
    depositsInFlight: amount18(depositsInFlight),
    paymentsInFlight: amount18(paymentsInFlight),
    difference: amount18(custodyTotal - owed),
  }
}

async function ledgerTotals(client: TandemClient, asset: AssetId) {
  const { chainId } = hubOf(client)
  const chain = client.on(chainId)
  const at = { address: contractOf(client, chainId, 'ledger'), abi: ledgerAbi } as const
  const [claims, liquidity, insurance, fees] = await Promise.all([
    chain.readContract({ ...at, functionName: 'totalClaims', args: [asset] }),
    chain.readContract({ ...at, functionName: 'totalLiquidity', args: [asset] }),
    chain.readContract({ ...at, functionName: 'insurance', args: [asset] }),
    chain.readContract({ ...at, functionName: 'fees', args: [asset] }),
  ])
  return { claims, liquidity, insurance, fees }
}

async function chainTotals(
  client: TandemClient,
  chainId: number,
  asset: AssetId,
): Promise<ChainTotals> {
  const chain = client.on(chainId)
  const at = { address: contractOf(client, chainId, 'spokeVault'), abi: spokeVaultAbi } as const
  const [custody, deposited, paid] = await Promise.all([
    chain.readContract({ ...at, functionName: 'custody', args: [asset] }),
    chain.readContract({ ...at, functionName: 'depositedTotal', args: [asset] }),
    chain.readContract({ ...at, functionName: 'paidTotal', args: [asset] }),
  ])
  const { decimals } = client.network.assets.find(({ id }) => id === asset)!.tokens[`${chainId}`]!
  const ledger = (value: bigint): bigint => toLedger(tokenAmount(value), decimals)
  return {
    name: client.chain(chainId).name,
    custody: ledger(custody),
    deposited: ledger(deposited),
    paid: ledger(paid),
  }
}

async function hubTotals(client: TandemClient, chainId: number, asset: AssetId) {
  const hub = hubOf(client)
  const chain = client.on(hub.chainId)
  const at = { address: contractOf(client, hub.chainId, 'hubVault'), abi: hubVaultAbi } as const
  const [credited, debited] = await Promise.all([
    chain.readContract({ ...at, functionName: 'creditedFrom', args: [chainId, asset] }),
    chain.readContract({ ...at, functionName: 'debitedTo', args: [chainId, asset] }),
  ])
  return { credited, debited }
}
