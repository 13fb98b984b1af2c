import { encodeFunctionData, type TransactionReceipt } from 'viem'
import { optionsExchangeAbi } from '../../abi/options-exchange.ts'
import type { Hex } from '../../protocol/hex.ts'
import {
  accountId,
  packInstrumentId,
  type AccountId,
  type InstrumentId,
  type RiskKey,
} from '../../protocol/ids.ts'
import { exchangeDomain, orderTypes, type FillGuard, type Order } from '../../protocol/orders.ts'
import { mulDivDown, mulDivUp, type Size18, type Usd18 } from '../../protocol/units.ts'
import { protocolOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import type { LegCall } from '../legs.ts'
import type { AttestedInstrument, IntendedChange } from './attest-margin.ts'
import { sendCall } from './send-call.ts'

/** Name of the reference exchange in the network file. */
export const EXCHANGE = 'options-exchange'

/** An order with its owner's signature, on the exchange of one chain. */
export type SignedOrder = { chainId: number; order: Order; signature: Hex }

/** What one fill changes. */
export type FillChange = {
  positions: NonNullable<IntendedChange['positions']>
  claims: NonNullable<IntendedChange['claims']>
}

const ANY_TAKER: AccountId = `0x${'0'.repeat(64)}`
const ONE_18 = 10n ** 18n

/** Signs an order of the client's account for the exchange of a chain. */
export async function signOrder(
  client: TandemClient,
  options: {
    chain: number | string
    riskKey: RiskKey
    size18: Size18
    price18: Usd18
    nonce: bigint
    expiryS: number
    taker?: AccountId | undefined
  },
): Promise<SignedOrder> {
  const { chain, taker = ANY_TAKER, ...terms } = options
  const { address, chainId } = protocolOf(client, chain, EXCHANGE)
  const account = signer(client)
  const order = { ...terms, taker, account: accountId(account.address) }
  const signature = await account.signTypedData({
    domain: exchangeDomain(chainId, address),
    types: orderTypes,
    primaryType: 'Order',
    message: order,
  })
  return { chainId, order, signature }
}

/** Gives the instrument that an order trades. */
export function instrumentOf(client: TandemClient, { chainId, order }: SignedOrder): InstrumentId {
  return packInstrumentId(protocolOf(client, chainId, EXCHANGE).id, order.riskKey)
}

/**
 * Gives what a fill changes in the taker's portfolio, to the last unit: the margin of it can be asked
 * before. Cash rounds in the maker's favour, as the exchange does it.
 */
export function changeOfFill(
  client: TandemClient,
  signed: SignedOrder,
  size18: Size18,
): FillChange {
  const makerBuys = signed.order.size18 > 0n
  const rounded = makerBuys ? mulDivDown : mulDivUp
  const cash18 = rounded(size18, signed.order.price18, ONE_18)
  return {
    positions: [{ instrument: instrumentOf(client, signed), size18: makerBuys ? -size18 : size18 }],
    claims: [{ asset: 1, amount18: makerBuys ? cash18 : -cash18 }],
  }
}

/** Gives the leg in which the client's main account fills a part of an order. */
export function fillLeg(
  client: TandemClient,
  options: {
    signed: SignedOrder
    /** Contracts × 10^18, > 0. */
    size18: Size18
    guard: FillGuard
    /** Risk of the instrument, for the side that uses leased capacity. */
    risks: readonly AttestedInstrument[]
  },
): LegCall {
  const { signed, size18, guard, risks } = options
  return {
    chainId: signed.chainId,
    to: protocolOf(client, signed.chainId, EXCHANGE).address,
    data: encodeFunctionData({
      abi: optionsExchangeAbi,
      functionName: 'fill',
      args: [
        signed.order,
        signed.signature,
        accountId(signer(client).address),
        size18,
        guard,
        risks,
      ],
    }),
  }
}

/** Lists a series unless it is listed already; anybody may. */
export async function listSeries(
  client: TandemClient,
  options: { chain: number | string; riskKey: RiskKey },
): Promise<TransactionReceipt | undefined> {
  const { address, chainId } = protocolOf(client, options.chain, EXCHANGE)
  const series = await client.on(chainId).readContract({
    address,
    abi: optionsExchangeAbi,
    functionName: 'series',
    args: [options.riskKey],
  })
  if (series.index !== 0) return undefined
  return sendCall(client, {
    chainId,
    to: address,
    data: encodeFunctionData({
      abi: optionsExchangeAbi,
      functionName: 'list',
      args: [options.riskKey],
    }),
    gas: 300_000n,
  })
}
