import { decodeFunctionResult, encodeFunctionData, type Abi } from 'viem'
import { creditBookAbi } from '../../../sdk/abi/credit-book.ts'
import { markFeedsAbi } from '../../../sdk/abi/mark-feeds.ts'
import type { ExpiryMark, FeedUpdate } from '../../../sdk/protocol/feeds.ts'
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

/** Reads the hub's books and marks; marks are read again only when their sequence moved. */
export class HubBooks {
  readonly #read: HubRead
  readonly #creditBook: Address
  readonly #markFeeds: Address
  readonly #underlyings: readonly number[]
  #cached: HubMarks | undefined
  readonly #settled = new Map<string, Settlement>()

  constructor(options: {
    read: HubRead
    creditBook: Address
    markFeeds: Address
    underlyings: readonly number[]
  }) {
    this.#read = options.read
    this.#creditBook = options.creditBook
    this.#markFeeds = options.markFeeds
    this.#underlyings = options.underlyings
  }

  /** Reads an account's portfolio. */
  async portfolio(account: AccountId): Promise<HubPortfolio> {
    const [instruments, sizes18, assets, claims18] = await this.#call<
      [readonly bigint[], readonly bigint[], readonly number[], readonly bigint[]]
    >(this.#creditBook, creditBookAbi as Abi, 'portfolio', [account])
    return {
      positions: new Map(instruments.map((id, i) => [id, sizes18[i] as bigint])),
      claims: new Map(assets.map((asset, i) => [asset, claims18[i] as bigint])),
    }
  }

  /** Reads the marks of every underlying that has some, all of one sequence. */
  async marks(): Promise<HubMarks> {
    for (;;) {
      const before = await this.#feeds<bigint>('marksSeq', [])
      if (this.#cached?.marksSeq === before) return this.#cached
      const updates = await Promise.all(this.#underlyings.map((id) => this.#feedUpdate(id)))
      const after = await this.#feeds<bigint>('marksSeq', [])
      if (after !== before) continue
      const present = updates.filter((update) => update !== undefined)
      this.#cached = { marksSeq: before, updates: present }
      return this.#cached
    }
  }

  /** Reads the settlement prices of instruments that expired; a price never changes once given. */
  async settlements(instruments: Iterable<bigint>, nowS: number): Promise<Settlement[]> {
    const found: Settlement[] = []
    for (const instrument of instruments) {
      const { underlying, expiryS } = unpackRiskKey(unpackInstrumentId(instrument).key)
      if (expiryS > nowS) continue
      const name = `${underlying}/${expiryS}`
      let settlement = this.#settled.get(name)
      if (!settlement) {
        const price8 = await this.#feeds<bigint>('settlementPrice8', [underlying, expiryS])
        settlement = { underlying, expiryS, settlementUsd: Number(price8) / 1e8 }
        this.#settled.set(name, settlement)
      }
      found.push(settlement)
    }
    return found
  }

  async #feedUpdate(underlying: number): Promise<FeedUpdate | undefined> {
    const spot = await this.#feeds<SpotMark>('spot', [underlying])
    if (spot.spot8 === 0n) return undefined
    const expiries = await this.#feeds<readonly number[]>('expiries', [underlying])
    const listed = await Promise.all(
      expiries.map((expiryS) => this.#feeds<ExpiryMark>('expiryMark', [underlying, expiryS])),
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

  #feeds<T>(functionName: string, args: unknown[]): Promise<T> {
    return this.#call<T>(this.#markFeeds, markFeedsAbi as Abi, functionName, args)
  }

  async #call<T>(to: Address, abi: Abi, functionName: string, args: unknown[]): Promise<T> {
    const data = await this.#read(to, encodeFunctionData({ abi, functionName, args }))
    return decodeFunctionResult({ abi, functionName, data }) as T
  }
}

type SpotMark = {
  spot8: bigint
  stable8: bigint
  sequence: bigint
  timestampMs: bigint
  confidence4: number
}
