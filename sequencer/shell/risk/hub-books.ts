import { decodeFunctionResult, encodeFunctionData, type Abi } from 'viem'
import { creditBookAbi } from '../../../sdk/abi/credit-book.ts'
import { markFeedsAbi } from '../../../sdk/abi/mark-feeds.ts'
import type { FeedUpdate } from '../../../sdk/protocol/feeds.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import { unpackInstrumentId, unpackRiskKey, type AccountId } from '../../../sdk/protocol/ids.ts'

/** Reads one contract at the hub's published head. */
export type HubRead = (to: Address, data: Hex) => Promise<Hex>

/** An account's portfolio as the hub has it, in the order of its hash. */
export type HubPortfolio = {
  /** Instrument id to size × 10^18. */
  positions: Map<bigint, bigint>
  /** Asset to claim × 10^18. */
  claims: Map<number, bigint>
}

/** The marks that the hub has accepted. */
export type HubMarks = {
  marksSeq: bigint
  updates: readonly FeedUpdate[]
}

/** A settlement price that the hub's feeds gave. */
export type Settlement = { underlying: number; expiryS: number; settlementUsd: number }

/** Reads the hub's books and marks; the marks are read again only when their sequence moved. */
export function openHubBooks(options: {
  read: HubRead
  creditBook: Address
  markFeeds: Address
  underlyings: readonly number[]
}): {
  portfolio: (account: AccountId) => Promise<HubPortfolio>
  marks: () => Promise<HubMarks>
  settlements: (instruments: Iterable<bigint>, nowS: number) => Promise<Settlement[]>
} {
  const { read, creditBook, markFeeds, underlyings } = options
  let cached: HubMarks | undefined
  const settled = new Map<string, Settlement>()

  async function call<T>(to: Address, abi: Abi, functionName: string, args: unknown[]): Promise<T> {
    const data = await read(to, encodeFunctionData({ abi, functionName, args }))
    return decodeFunctionResult({ abi, functionName, data }) as T
  }
  const feeds = <T>(name: string, args: unknown[]): Promise<T> =>
    call<T>(markFeeds, markFeedsAbi as Abi, name, args)

  async function portfolio(account: AccountId): Promise<HubPortfolio> {
    const [instruments, sizes18, assets, claims18] = await call<
      [readonly bigint[], readonly bigint[], readonly number[], readonly bigint[]]
    >(creditBook, creditBookAbi as Abi, 'portfolio', [account])
    return {
      positions: new Map(instruments.map((id, i) => [id, sizes18[i] as bigint])),
      claims: new Map(assets.map((asset, i) => [asset, claims18[i] as bigint])),
    }
  }

  async function marks(): Promise<HubMarks> {
    for (;;) {
      const before = await feeds<bigint>('marksSeq', [])
      if (cached?.marksSeq === before) return cached
      const updates = await Promise.all(underlyings.map(feedUpdate))
      const after = await feeds<bigint>('marksSeq', [])
      if (after !== before) continue
      cached = { marksSeq: before, updates: updates.filter((update) => update !== undefined) }
      return cached
    }
  }

  async function feedUpdate(underlying: number): Promise<FeedUpdate | undefined> {
    type Spot = Omit<FeedUpdate, 'expiries' | 'timestampMs' | 'spotConfidence4' | 'underlying'> & {
      timestampMs: bigint
      confidence4: number
    }
    const spot = await feeds<Spot>('spot', [underlying])
    if (spot.sequence === 0n && spot.spot8 === 0n) return undefined
    const expiries = await feeds<readonly number[]>('expiries', [underlying])
    const listed = await Promise.all(
      expiries.map((expiryS) =>
        feeds<FeedUpdate['expiries'][number]>('expiryMark', [underlying, expiryS]),
      ),
    )
    return {
      underlying,
      sequence: spot.sequence,
      timestampMs: Number(spot.timestampMs),
      spot8: spot.spot8,
      spotConfidence4: spot.confidence4,
      stable8: spot.stable8,
      expiries: listed,
    }
  }

  async function settlements(
    instruments: Iterable<bigint>,
    nowS: number,
  ): Promise<Settlement[]> {
    const found: Settlement[] = []
    for (const instrument of instruments) {
      const { underlying, expiryS } = unpackRiskKey(unpackInstrumentId(instrument).key)
      if (expiryS > nowS) continue
      const name = `${underlying}/${expiryS}`
      let settlement = settled.get(name)
      if (!settlement) {
        const price8 = await feeds<bigint>('settlementPrice8', [underlying, expiryS])
        settlement = { underlying, expiryS, settlementUsd: Number(price8) / 1e8 }
        settled.set(name, settlement)
      }
      found.push(settlement)
    }
    return found
  }
  return { portfolio, marks, settlements }
}
