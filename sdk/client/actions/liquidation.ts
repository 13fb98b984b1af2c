import {
  BaseError as ViemError,
  decodeErrorResult,
  encodeFunctionData,
  type Hex,
  type TransactionReceipt,
} from 'viem'
import { liquidationAuctionAbi } from '../../abi/liquidation-auction.ts'
import { accountId, type AccountId } from '../../protocol/ids.ts'
import { usd18, type Usd18 } from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { attestMargin, type AttestedMargin, type IntendedChange } from './attest-margin.ts'
import { getAccount, type PoolAccount } from './get-account.ts'
import { sendCall } from './send-call.ts'

/** Steps of a liquidation that anybody may take with an attestation. */
export type LiquidationStep = 'restrict' | 'call' | 'clear' | 'start' | 'finish'

/** What a part of an account costs now. */
export type LiquidationQuote = {
  /** Price as a share of value × 10^18. */
  price18: bigint
  maxFraction18: bigint
  minFraction18: bigint
  /** Least to pay to the account, USD × 10^18. */
  bid18: Usd18
  /** Cash claim that the bidder needs, USD × 10^18. */
  cash18: Usd18
}

/**
 * Takes one step of an account's liquidation on the hub.
 *
 * @throws TransactionFailedError when the attestation does not justify the step.
 */
export async function takeLiquidationStep(
  client: TandemClient,
  options: { step: LiquidationStep; account: AccountId; attested: AttestedMargin },
): Promise<TransactionReceipt> {
  const { step, account, attested } = options
  return sendCall(client, {
    ...auctionCall(client),
    data: encodeFunctionData({
      abi: liquidationAuctionAbi,
      functionName: step,
      args: [account, attested.attestation, attested.signature],
    }),
  })
}

/** Asks what a part of an account under sale costs now; fraction × 10^18. */
export async function quoteLiquidation(
  client: TandemClient,
  options: { account: AccountId; fraction18: bigint; attested: AttestedMargin },
): Promise<LiquidationQuote> {
  const { account, fraction18, attested } = options
  const { chainId, to } = auctionCall(client)
  const { equity18, maintenance18 } = attested.attestation
  const quote = await client.on(chainId).readContract({
    address: to,
    abi: liquidationAuctionAbi,
    functionName: 'quote',
    args: [account, fraction18, equity18, maintenance18],
  })
  return { ...quote, bid18: usd18(quote.bid18), cash18: usd18(quote.cash18) }
}

/**
 * Buys a part of an account under sale for the client's main account.
 *
 * @param options.fraction18 - Part × 10^18, between the quote's bounds.
 * @param options.bid18 - USD × 10^18, at least the quote's.
 * @throws TransactionFailedError when the bid is too low or the bidder's initial margin short.
 */
export async function bidOnLiquidation(
  client: TandemClient,
  options: { account: AccountId; fraction18: bigint; bid18: Usd18; attested: AttestedMargin },
): Promise<TransactionReceipt> {
  const { account, fraction18, bid18, attested } = options
  const bidder = accountId(signer(client).address)
  const [before, after] = await Promise.all([
    getAccount(client, { account: bidder }),
    previewBid(client, [account, fraction18, bidder, bid18]),
  ])
  const own = await attestMargin(client, { account: bidder, change: difference(before, after) })
  return sendCall(client, {
    ...auctionCall(client),
    gas: 10_000_000n,
    data: encodeFunctionData({
      abi: liquidationAuctionAbi,
      functionName: 'bid',
      args: [
        account,
        fraction18,
        bidder,
        bid18,
        attested.attestation,
        attested.signature,
        own.attestation,
        own.signature,
      ],
    }),
  })
}

type Portfolio = { positions: Map<bigint, bigint>; claims: Map<number, bigint> }

async function previewBid(
  client: TandemClient,
  args: readonly [AccountId, bigint, AccountId, bigint],
): Promise<Portfolio> {
  const { chainId, to } = auctionCall(client)
  const data = encodeFunctionData({
    abi: liquidationAuctionAbi,
    functionName: 'previewBid',
    args,
  })
  const output = await revertDataOf(client.on(chainId).call({ to, data, gas: 20_000_000n }))
  const error = decodeErrorResult({ abi: liquidationAuctionAbi, data: output })
  if (error.errorName !== 'BidPreview') throw new Error(`previewBid reverted: ${error.errorName}`)
  const [instruments, sizes, assets, claims] = error.args
  return {
    positions: new Map(instruments.map((instrument, i) => [instrument, sizes[i]!])),
    claims: new Map(assets.map((asset, i) => [asset, claims[i]!])),
  }
}

async function revertDataOf(call: Promise<unknown>): Promise<Hex> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof ViemError)) throw error
    const raw = error.walk((cause) => typeof (cause as { data?: unknown }).data === 'string')
    if (raw) return (raw as unknown as { data: Hex }).data
    throw error
  }
  throw new Error('previewBid always reverts')
}

function difference(before: PoolAccount, after: Portfolio): IntendedChange {
  const positions = new Map(after.positions)
  const claims = new Map(after.claims)
  for (const { instrument, size18 } of before.positions) {
    positions.set(instrument, (positions.get(instrument) ?? 0n) - size18)
  }
  for (const { asset, amount18 } of before.claims) {
    claims.set(asset, (claims.get(asset) ?? 0n) - amount18)
  }
  return {
    positions: [...positions].map(([instrument, size18]) => ({ instrument, size18 })),
    claims: [...claims].map(([asset, amount18]) => ({ asset, amount18 })),
  }
}

function auctionCall(client: TandemClient) {
  const { chainId } = hubOf(client)
  return { chainId, to: contractOf(client, chainId, 'liquidationAuction') }
}
