import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { collateralPoolAbi } from '../../sdk/abi/collateral-pool.ts'
import { markFeedsAbi } from '../../sdk/abi/mark-feeds.ts'
import { attestInstruments } from '../../sdk/client/actions/attest-margin.ts'
import {
  EXCHANGE,
  listSeries,
  signOrder,
  type SignedOrder,
} from '../../sdk/client/actions/exchange.ts'
import { getStatus } from '../../sdk/client/actions/get-status.ts'
import { grantCredit } from '../../sdk/client/actions/grant-credit.ts'
import { seekMarket } from '../../sdk/client/actions/market.ts'
import { contractOf, protocolOf } from '../../sdk/client/contracts.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import {
  accountId,
  KIND,
  packInstrumentId,
  packRiskKey,
  RIGHT,
  type RiskKey,
} from '../../sdk/protocol/ids.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import { size18, usd18, type Size18 } from '../../sdk/protocol/units.ts'
import { openFaucet, type Funding } from '../faucet/fund.ts'
import { actor } from '../seed/seed.ts'
import { waitUntil } from './wait.ts'

/** Recorded times that the showcase uses, milliseconds since 1970. */
export const RECORDED = {
  /** 4 February 2026, 04:24:03 UTC: the first snapshot. */
  startMs: 1_770_179_043_263,
  /** 5 February 2026, 15:51:32 UTC: before the worst hours. */
  slideEndMs: 1_770_306_692_535,
  /** 5 February 2026, 21:29:37 UTC: the lowest snapshot. */
  bottomMs: 1_770_326_977_885,
} as const

const BTC = 1
const LEASE_USD = 2_000_000n
const LEASE_DAYS = 7
/** Days to the expiry that is traded, at least. */
const EXPIRY_DAYS_MIN = 40
/** The maker's distance from the mark. */
const SPREAD_PERCENT = 1n
const ONE_18 = 10n ** 18n

/** Everything that the showcase's steps share. */
export type Stage = {
  network: Network
  log: (line: string) => void
  faucet: (funding: Funding) => Promise<void>
  /** Sells and buys options on leased capacity. */
  maker: TandemClient
  /** Expiry of the series that are traded, seconds since 1970. */
  expiryS: number
  /** Names an option of that expiry by its strike in dollars. */
  option: (right: 'call' | 'put', strikeUsd: number) => RiskKey
}

/** Prepares what the steps need: marks at the recording's start, a maker with leases. */
export async function openStage(network: Network, log: (line: string) => void): Promise<Stage> {
  const maker = actor(network, 'market-maker')
  const rollups = network.chains.filter(({ kind }) => kind === 'rollup').slice(0, 2)
  const faucet = openFaucet(network)
  const before = (await getStatus(maker)).marksSeq
  await seekMarket(maker, { toMs: RECORDED.startMs })
  await waitUntil(
    'marks of both underlyings after the seek',
    async () => (await getStatus(maker)).marksSeq >= before + 4n,
  )
  const { address } = maker.account!
  await Promise.all(
    [...rollups, network.chains.find(({ kind }) => kind === 'hub')!].map(({ chainId }) =>
      faucet({ chain: chainId, address }),
    ),
  )
  for (const { chainId } of rollups) await ensureLease(maker, chainId)
  const expiryS = await tradedExpiry(maker, rollups[0]!.chainId)
  const option = (right: 'call' | 'put', strikeUsd: number): RiskKey =>
    packRiskKey({
      underlying: BTC,
      kind: KIND.option,
      expiryS,
      strike8: BigInt(strikeUsd) * 10n ** 8n,
      right: RIGHT[right],
    })
  return { network, log, faucet, maker, expiryS, option }
}

/** Makes a client with a new key and native coin on the chains named. */
export async function newTrader(
  stage: Stage,
  funding: readonly Omit<Funding, 'address'>[],
): Promise<TandemClient> {
  const account = privateKeyToAccount(generatePrivateKey())
  await Promise.all(funding.map((part) => stage.faucet({ ...part, address: account.address })))
  return createTandemClient({ network: stage.network, account })
}

/**
 * Has the maker sign an order at its spread from the mark; the series is listed if it is not.
 *
 * @param side - What the maker does.
 */
export async function quote(
  stage: Stage,
  options: { chain: string; riskKey: RiskKey; side: 'buy' | 'sell'; size18: Size18 },
): Promise<SignedOrder> {
  const { maker } = stage
  const { chain, riskKey, side } = options
  await listSeries(maker, { chain, riskKey })
  const instrument = packInstrumentId(protocolOf(maker, chain, EXCHANGE).id, riskKey)
  const [attested] = await attestInstruments(maker, [instrument])
  const percent = side === 'sell' ? 100n + SPREAD_PERCENT : 100n - SPREAD_PERCENT
  const { slotTimestampMs } = await getStatus(maker)
  return signOrder(maker, {
    chain,
    riskKey,
    size18: size18(side === 'buy' ? options.size18 : -options.size18),
    price18: usd18((attested!.risk.mark18 * percent) / 100n),
    nonce: BigInt(Date.now()),
    expiryS: Math.floor(slotTimestampMs / 1000) + 600,
  })
}

/** Contracts with 18 decimals. */
export function contracts(whole: number): Size18 {
  return size18(BigInt(Math.round(whole * 1e6)) * 10n ** 12n)
}

async function ensureLease(maker: TandemClient, chainId: number): Promise<void> {
  const account = accountId(maker.account!.address)
  const pool = {
    address: contractOf(maker, chainId, 'spokeCredit'),
    abi: collateralPoolAbi,
  } as const
  const chain = maker.on(chainId)
  const free = async (): Promise<bigint> => {
    const [leased, used, untilS] = await Promise.all([
      chain.readContract({ ...pool, functionName: 'leased', args: [account] }),
      chain.readContract({ ...pool, functionName: 'used', args: [account] }),
      chain.readContract({ ...pool, functionName: 'leaseExpiryS', args: [account] }),
    ])
    const { slotTimestampMs } = await getStatus(maker)
    return untilS * 1000 > slotTimestampMs ? leased - used : 0n
  }
  if ((await free()) >= (LEASE_USD * ONE_18) / 2n) return
  const { slotTimestampMs } = await getStatus(maker)
  await grantCredit(maker, {
    chain: chainId,
    amount18: usd18(LEASE_USD * ONE_18),
    expiryS: Math.floor(slotTimestampMs / 1000) + LEASE_DAYS * 86_400,
  })
  await waitUntil('the lease on its rollup', async () => (await free()) > 0n)
}

async function tradedExpiry(client: TandemClient, chainId: number): Promise<number> {
  const expiries = await client.on(chainId).readContract({
    address: contractOf(client, chainId, 'markFeeds'),
    abi: markFeedsAbi,
    functionName: 'expiries',
    args: [BTC],
  })
  const { slotTimestampMs } = await getStatus(client)
  const fromS = slotTimestampMs / 1000 + EXPIRY_DAYS_MIN * 86_400
  return expiries.find((expiryS) => expiryS >= fromS) ?? expiries.at(-1)!
}
