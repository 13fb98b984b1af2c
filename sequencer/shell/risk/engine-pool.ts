import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { AccountId, UnderlyingId } from '../../../sdk/protocol/ids.ts'
import type { EngineCapacity } from '../../../sdk/risk/engine/open-engine.ts'
import type { Series } from '../../../sdk/risk/engine/grid.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'
import type { RoundMargin } from './worker/results.ts'
import type { SeriesHoldings } from './worker/messages.ts'
import { RiskWorkers } from './workers.ts'

/** Time within which every account rests on new marks, or the workers are started anew. */
const SETTLE_MS = 5_000
const BYTES_PER_ACCOUNT = 8_192

/** What the pool is made with. */
export type EnginePoolOptions = {
  workers: number
  parameters: RiskParameters
  underlyings: readonly UnderlyingId[]
}

/** Expiries by name, each with the strikes of its instruments. */
type Listed = Map<string, Set<number>>

/**
 * Risk workers that are started anew when one fails, when they have no more room, or when an expiry is
 * gone: what they hold is given to them again.
 */
export class EnginePool {
  readonly #options: EnginePoolOptions
  #workers: RiskWorkers | undefined
  #capacity: EngineCapacity | undefined
  #listed: Listed = new Map()
  #accounts = new Set<AccountId>()
  #roomFactor = 1
  #starts = 0

  constructor(options: EnginePoolOptions) {
    this.#options = options
  }

  /** How often workers were started. */
  get starts(): number {
    return this.#starts
  }

  /**
   * Margins every account on new marks.
   *
   * @param holdings - Of every account; those with an expiry that the market cannot value are left out.
   * @param changed - Accounts whose holdings are new since the last time.
   * @returns False when the marks are unusable or the workers failed: what was margined before stays.
   */
  async margin(
    market: RiskMarket,
    holdings: ReadonlyMap<AccountId, SeriesHoldings>,
    changed: Iterable<AccountId>,
  ): Promise<boolean> {
    // Before the first marks nothing can be valued, and nothing has to be.
    if (market.underlyings.length === 0) return true
    const usable = usableExpiries(market)
    const fits = (account: AccountId): boolean =>
      holdings.get(account)?.options.every(({ series }) => usable.has(expiryName(series))) === true
    const gone = [...this.#listed.keys()].some((name) => !usable.has(name))
    const added = [...changed].filter((account) => fits(account) || this.#accounts.has(account))
    const stays = !gone && added.every(fits) && this.#hasRoom(holdings, added)
    if (stays && this.#workers?.failed === undefined) this.#give(holdings, added)
    else await this.#open(holdings, [...holdings.keys()].filter(fits))
    return this.#settle(market)
  }

  /** An account's margin as last computed; undefined when it cannot be valued. */
  read(account: AccountId): RoundMargin | undefined {
    return this.#accounts.has(account) ? this.#workers?.margin(account) : undefined
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#workers?.close()
    this.#workers = undefined
  }

  async #settle(market: RiskMarket): Promise<boolean> {
    const workers = this.#workers
    workers?.markAll(market)
    if (workers !== undefined && (await workers.settled(SETTLE_MS))) return !workers.refused
    // A shard may have been too small for its accounts: the next one is larger.
    if (workers?.failed !== undefined && this.#roomFactor < 64) this.#roomFactor *= 2
    await this.close()
    return false
  }

  #give(holdings: ReadonlyMap<AccountId, SeriesHoldings>, accounts: readonly AccountId[]): void {
    if (accounts.length === 0) return
    const items = accounts.map((account) => {
      this.#accounts.add(account)
      return { account, holdings: holdings.get(account) as SeriesHoldings }
    })
    const series = items.flatMap((item) => item.holdings.options.map((option) => option.series))
    addTo(this.#listed, series)
    this.#workers?.list(series)
    this.#workers?.set(items)
  }

  #hasRoom(
    holdings: ReadonlyMap<AccountId, SeriesHoldings>,
    accounts: readonly AccountId[],
  ): boolean {
    const capacity = this.#capacity
    if (capacity === undefined || this.#workers === undefined) return false
    const listed = new Map([...this.#listed].map(([name, strikes]) => [name, new Set(strikes)]))
    addTo(
      listed,
      accounts.flatMap((account) => seriesOf(holdings.get(account))),
    )
    const count = new Set([...this.#accounts, ...accounts]).size
    const strikes = Math.max(0, ...[...listed.values()].map(({ size }) => size))
    return (
      listed.size <= capacity.expiries &&
      strikes <= capacity.strikesPerExpiry &&
      count <= capacity.accounts * this.#options.workers
    )
  }

  async #open(
    holdings: ReadonlyMap<AccountId, SeriesHoldings>,
    accounts: readonly AccountId[],
  ): Promise<void> {
    await this.close()
    const { workers, parameters, underlyings } = this.#options
    const listed: Listed = new Map()
    addTo(
      listed,
      accounts.flatMap((account) => seriesOf(holdings.get(account))),
    )
    const strikes = Math.max(0, ...[...listed.values()].map(({ size }) => size))
    const each = Math.max(256, 2 * Math.ceil(accounts.length / workers))
    const capacity = {
      // One more than named: for what belongs to no underlying.
      underlyings: underlyings.length + 1,
      expiries: Math.max(2 * LIMITS.feedExpiries, 2 * listed.size),
      strikesPerExpiry: Math.max(32, 2 * strikes),
      assets: Math.max(1, parameters.collaterals.length),
      accounts: each,
      accountBytes: each * BYTES_PER_ACCOUNT * this.#roomFactor,
    }
    this.#capacity = capacity
    this.#listed = new Map()
    this.#accounts = new Set()
    this.#workers = new RiskWorkers({ workers, parameters, underlyings, capacity })
    this.#starts += 1
    this.#give(holdings, accounts)
  }
}

/** Expiries that the market can value: they run, or their settlement price is known. */
function usableExpiries({ underlyings }: RiskMarket): Set<string> {
  return new Set(
    underlyings.flatMap(({ underlying, expiries }) =>
      expiries
        .filter(({ secondsToExpiry, settlementUsd, surface }) =>
          secondsToExpiry > 0 ? surface !== undefined : settlementUsd !== undefined,
        )
        .map(({ expiryS }) => expiryName({ underlying, expiryS })),
    ),
  )
}

function expiryName({ underlying, expiryS }: Pick<Series, 'underlying' | 'expiryS'>): string {
  return `${underlying}/${expiryS}`
}

function seriesOf(holdings: SeriesHoldings | undefined): Series[] {
  return holdings?.options.map(({ series }) => series) ?? []
}

function addTo(listed: Listed, series: readonly Series[]): void {
  for (const item of series) {
    const name = expiryName(item)
    const strikes = listed.get(name) ?? new Set()
    listed.set(name, strikes.add(item.strikeUsd))
  }
}
