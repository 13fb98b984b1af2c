import type { Logger } from 'pino'
import type { RiskVersion } from '../../../sdk/protocol/entry.ts'
import type { FeedUpdate } from '../../../sdk/protocol/feeds.ts'
import type { AccountId, InstrumentId } from '../../../sdk/protocol/ids.ts'
import { unpackInstrumentId, unpackRiskKey } from '../../../sdk/protocol/ids.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import { InvalidPortfolioError } from '../../../sdk/risk/invalid-portfolio.ts'
import { marketOf } from '../../../sdk/risk/ledger.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'
import { engineHoldings } from './engine-holdings.ts'
import { EnginePool } from './engine-pool.ts'
import type { HubBooks, HubMarks, Settlement } from './hub-books.ts'
import type { NumberedUpdate } from './mark-updates.ts'
import type { SeriesHoldings } from './worker/messages.ts'
import type { RoundMargin } from './worker/results.ts'

/** Time that a decision waits for the first version. */
const FIRST_VERSION_MS = 10_000
/** Pause after a round that failed. */
const RETRY_MS = 250

/** What a keeper works with. */
export type KeeperOptions = {
  network: Pick<Network, 'assets' | 'underlyings'>
  books: Pick<HubBooks, 'portfolio' | 'marks' | 'settlements'>
  parameters: RiskParameters
  workers: number
  /** Time of the log's last slot, milliseconds since 1970. */
  nowMs: () => number
  /** Version that the log has in force. */
  version: () => RiskVersion
  /** Brings a version into the log; resolves when its slot is durable. */
  putInForce: (risk: RiskVersion) => Promise<void>
  /** Every account that ever held a position, as published. */
  accounts: () => Promise<readonly AccountId[]>
  /** Looks at accounts whose margins rest on the version in force. */
  look: (margins: ReadonlyMap<AccountId, RoundMargin>) => Promise<void>
  log: Logger
}

/**
 * Keeps every account margined while marks move, on threads of its own: when all of them rest on the
 * newest marks, these take effect by an entry of the log, and only then. Marks that come meanwhile are
 * conflated per underlying.
 */
export class RiskKeeper {
  readonly #options: KeeperOptions
  readonly #pool: EnginePool
  readonly #updates = new Map<number, FeedUpdate>()
  readonly #holdings = new Map<AccountId, SeriesHoldings>()
  readonly #instruments = new Map<AccountId, readonly InstrumentId[]>()
  readonly #settled = new Map<string, Settlement>()
  #marksSeq = 0n
  #changed = new Set<AccountId>()
  #due = true
  #wake: () => void = () => undefined
  #stopped = false
  #done: Promise<void> = Promise.resolve()
  #inForce: HubMarks | undefined
  readonly #first = Promise.withResolvers<HubMarks>()

  constructor(options: KeeperOptions) {
    this.#options = options
    const { workers, parameters, network } = options
    const underlyings = network.underlyings.map(({ id }) => id)
    this.#pool = new EnginePool({ workers, parameters, underlyings })
  }

  /** Begins to work; what is published from now on is told by {@link note}. */
  start(): void {
    this.#done = this.#run()
  }

  /** Takes what a superblock published: marks, and the accounts whose portfolio changed. */
  note(updates: readonly NumberedUpdate[], accounts: Iterable<AccountId>): void {
    for (const { marksSeq, update } of updates) {
      if (marksSeq <= this.#marksSeq) continue
      this.#marksSeq = marksSeq
      this.#updates.set(update.underlying, update)
      this.#due = true
    }
    for (const account of accounts) {
      this.#changed.add(account)
      this.#due = true
    }
    if (this.#due) this.#wake()
  }

  /** Marks that decisions rest on; undefined before the first version of this process. */
  get inForce(): HubMarks | undefined {
    return this.#inForce
  }

  /**
   * Gives the marks that decisions rest on, after the first version.
   *
   * @throws InvalidPortfolioError when there is none within ten seconds.
   */
  async marks(): Promise<HubMarks> {
    if (this.#inForce !== undefined) return this.#inForce
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(resolve, FIRST_VERSION_MS)
    const first = await Promise.race([this.#first.promise, late])
    clearTimeout(timer)
    if (first === undefined) throw new InvalidPortfolioError('a risk version is in force', 'none')
    return this.#inForce ?? first
  }

  /** Ends the threads; what is under way is given up. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake()
    await this.#pool.close()
    await this.#done
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    let begun = false
    while (!this.#stopped) {
      try {
        if (!begun) await this.#begin()
        begun = true
        if (!this.#due) await this.#sleep()
        else await this.#round()
      } catch (err) {
        if (this.#stopped) return
        log.warn({ err }, 'a round of margins failed')
        this.#due = true
        await this.#sleep(RETRY_MS)
      }
    }
  }

  async #begin(): Promise<void> {
    const { books, accounts } = this.#options
    for (const account of await accounts()) this.#changed.add(account)
    const { marksSeq, updates } = await books.marks()
    if (marksSeq <= this.#marksSeq) return
    for (const update of updates) this.#updates.set(update.underlying, update)
    this.#marksSeq = marksSeq
  }

  async #round(): Promise<void> {
    const { nowMs, network, look } = this.#options
    this.#due = false
    const changed = this.#changed
    this.#changed = new Set()
    try {
      for (const account of changed) await this.#read(account)
      const marks = { marksSeq: this.#marksSeq, updates: [...this.#updates.values()] }
      await this.#findSettlements(Math.floor(nowMs() / 1000))
      const nowS = Math.floor(nowMs() / 1000)
      const all = marketOf(marks.updates, network.assets, nowS, [...this.#settled.values()])
      const market = bounded(all)
      if (!(await this.#pool.margin(market, this.#holdings, changed))) {
        throw new InvalidPortfolioError('every account is margined', `marks ${marks.marksSeq}`)
      }
      await this.#takeEffect(marks)
    } catch (err) {
      for (const account of changed) this.#changed.add(account)
      throw err
    }
    const margins = new Map<AccountId, RoundMargin>()
    for (const account of this.#holdings.keys()) {
      const margin = this.#pool.read(account)
      if (margin !== undefined) margins.set(account, margin)
    }
    await look(margins)
  }

  async #takeEffect(marks: HubMarks): Promise<void> {
    const { parameters, version, putInForce } = this.#options
    const current = version()
    const risk = { marksSeq: marks.marksSeq, paramsVersion: parameters.version }
    const known = current.marksSeq === risk.marksSeq && current.paramsVersion === risk.paramsVersion
    if (!known) await putInForce(risk)
    this.#inForce = marks
    this.#first.resolve(marks)
  }

  async #read(account: AccountId): Promise<void> {
    const { books, network, log } = this.#options
    const held = await books.portfolio(account)
    this.#instruments.set(account, [...held.positions.keys()])
    try {
      this.#holdings.set(account, engineHoldings(held, network.assets))
    } catch (err) {
      if (!(err instanceof InvalidPortfolioError)) throw err
      this.#holdings.delete(account)
      log.warn({ err, account }, 'a portfolio cannot be margined')
    }
  }

  /** Looks for the settlement prices of expiries that have passed; a price that waits is asked again. */
  async #findSettlements(nowS: number): Promise<void> {
    const { books, log } = this.#options
    const held = new Map<string, InstrumentId>()
    for (const instruments of this.#instruments.values()) {
      for (const instrument of instruments) {
        const { underlying, expiryS } = unpackRiskKey(unpackInstrumentId(instrument).key)
        const name = `${underlying}/${expiryS}`
        if (expiryS <= nowS && !this.#settled.has(name)) held.set(name, instrument)
      }
    }
    for (const [name, instrument] of held) {
      try {
        const [settlement] = await books.settlements([instrument], nowS)
        if (settlement !== undefined) this.#settled.set(name, settlement)
      } catch (err) {
        log.debug({ err, expiry: name }, 'a settlement price is not known yet')
      }
    }
  }

  /** Waits until there is something to do, or so many milliseconds. */
  #sleep(ms?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
    this.#wake = () => {
      if (ms === undefined || this.#stopped) resolve()
    }
    return promise.finally(() => clearTimeout(timer))
  }
}

/** Keeps to the most expiries that the workers' board has room for; live ones come first. */
function bounded(market: RiskMarket): RiskMarket {
  const underlyings = market.underlyings.map((underlying) => ({
    ...underlying,
    expiries: underlying.expiries.slice(0, LIMITS.feedExpiries),
  }))
  return { ...market, underlyings }
}
