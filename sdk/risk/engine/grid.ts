import { assert } from '../../protocol/assert.ts'
import type { AssetId, UnderlyingId } from '../../protocol/ids.ts'
import { type Columns, columnsOf } from '../arrays/columns.ts'
import { writeExpiryRecord } from '../arrays/expiry-record.ts'
import type { OptionRight } from '../black76.ts'
import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import type { KernelMemory, Kernels } from '../kernel/instance.ts'
import {
  ASSET_BYTES,
  EXPIRY_BYTES,
  EXPIRY_WORDS,
  GRID,
  ROW_BYTES,
  ROW_WORDS,
  UNDERLYING_BYTES,
} from '../kernel/layout.ts'
import { initialLossFactor } from '../margin.ts'
import type { RiskParameters } from '../parameters.ts'
import type { ExpiryMarket, RiskMarket, UnderlyingMarket } from '../portfolio.ts'
import { EngineFullError } from './arena.ts'
import type { GridPlan } from './grid-plan.ts'
import { assetRecord, underlyingRecord } from './records.ts'

/** One option series with the addresses of what margin needs of it, in the first copy of the grid. */
export type Instrument = {
  underlying: UnderlyingId
  expiryS: number
  strikeUsd: number
  right: OptionRight
  /** Of its risk array, and of that of the other right at its strike. */
  row: number
  pairRow: number
  expiryAddress: number
  underlyingAddress: number
}

/** One of an option series' parts. */
export type Series = Pick<Instrument, 'underlying' | 'expiryS' | 'strikeUsd' | 'right'>

/** One expiry of one copy of a grid, as views that change with it. */
export type ExpiryView = {
  record: Float64Array
  strikeUsd: Float64Array
  volatility: Float64Array
  /** Number of strikes. */
  strikes: number
}

type Expiry = {
  underlying: UnderlyingId
  expiryS: number
  slot: number
  /** Strike to its index. */
  strikes: Map<number, number>
  strikeUsdMax: number
  /** Per copy: number of strikes that its risk arrays were last made for. */
  valued: number[]
}

/**
 * The risk arrays of every instrument, in one or more copies, so that one may be written while
 * another is read.
 */
export class RiskGrid {
  readonly plan: GridPlan
  readonly #start: number
  readonly #kernels: Kernels
  readonly #memory: KernelMemory
  readonly #scratch: number
  readonly #copies: number
  readonly #parameters: RiskParameters
  readonly #columns: Columns
  readonly #underlyings = new Map<UnderlyingId | undefined, number>()
  readonly #assets = new Map<AssetId, number>()
  readonly #expiries = new Map<string, Expiry>()
  readonly #fresh = new Float64Array(EXPIRY_WORDS)

  /**
   * @param options.start - Address of the first copy, a multiple of 16; the others follow.
   * @param options.scratch - Address of `SCRATCH_BYTES` that only this grid uses.
   */
  constructor(options: {
    kernels: Kernels
    memory: KernelMemory
    start: number
    scratch: number
    plan: GridPlan
    copies: number
    parameters: RiskParameters
    /** Named here where several grids over one memory must give them the same places. */
    underlyings?: readonly UnderlyingId[] | undefined
  }) {
    this.plan = options.plan
    this.#start = options.start
    this.#kernels = options.kernels
    this.#memory = options.memory
    this.#scratch = options.scratch
    this.#copies = options.copies
    this.#parameters = options.parameters
    this.#columns = columnsOf(options.parameters)
    // Collateral that belongs to no underlying stands in a book whose record is 0.
    this.underlyingAddress(undefined)
    for (const underlying of options.underlyings ?? []) this.underlyingAddress(underlying)
    for (const { asset } of options.parameters.collaterals) this.assetAddress(asset)
    for (let copy = 0; copy < options.copies; copy++) this.#writeGrid(copy)
  }

  /** Gives the address of a copy, which is also that of its grid's record. */
  copyAddress(copy: number): number {
    return this.#start + copy * this.plan.bytes
  }

  /**
   * Gives the address of an underlying's record in the first copy.
   *
   * @throws EngineFullError when there is no room for one more.
   */
  underlyingAddress(underlying: UnderlyingId | undefined): number {
    let slot = this.#underlyings.get(underlying)
    if (slot === undefined) {
      slot = this.#underlyings.size
      // One place more than named: for what belongs to no underlying.
      const { underlyings } = this.plan.capacity
      if (slot >= underlyings) throw new EngineFullError('underlyings', underlyings, slot + 1)
      this.#underlyings.set(underlying, slot)
    }
    return this.#start + this.plan.underlyings + slot * UNDERLYING_BYTES
  }

  /**
   * Gives the address of an asset's record in the first copy.
   *
   * @throws EngineFullError when there is no room for one more.
   */
  assetAddress(asset: AssetId): number {
    let slot = this.#assets.get(asset)
    if (slot === undefined) {
      slot = this.#assets.size
      const { assets } = this.plan.capacity
      if (slot >= assets) throw new EngineFullError('assets', assets, slot + 1)
      this.#assets.set(asset, slot)
    }
    return this.#start + this.plan.assets + slot * ASSET_BYTES
  }

  /** Gives the underlying whose record is at an address of the first copy. */
  underlyingAt(address: number): UnderlyingId | undefined {
    const slot = (address - this.#start - this.plan.underlyings) / UNDERLYING_BYTES
    return [...this.#underlyings.keys()][slot]
  }

  /** Gives the asset whose record is at an address of the first copy. */
  assetAt(address: number): AssetId {
    const slot = (address - this.#start - this.plan.assets) / ASSET_BYTES
    const asset = [...this.#assets.keys()][slot]
    assert(asset !== undefined, 'an address names an asset')
    return asset
  }

  /** Gives the instrument whose risk array is at an address of the first copy. */
  instrumentAt(row: number): Instrument {
    const { slot, index } = this.locate({ row })
    const expiry = [...this.#expiries.values()][slot]
    const strikeUsd = [...(expiry?.strikes.keys() ?? [])][Math.floor(index / 2)]
    assert(expiry !== undefined && strikeUsd !== undefined, 'an address names an instrument')
    const { underlying, expiryS } = expiry
    const right = index % 2 === 0 ? 'call' : 'put'
    return this.instrument({ underlying, expiryS, strikeUsd, right })
  }

  /**
   * Gives an instrument; one that is new is valued with the next marks.
   *
   * @throws EngineFullError when there is no room for its expiry or strike.
   */
  instrument(series: Series): Instrument {
    const { underlying, expiryS, strikeUsd, right } = series
    if (!(strikeUsd > 0)) throw new InvalidPortfolioError('a strike is above 0', `${strikeUsd}`)
    const expiry = this.#expiry(underlying, expiryS)
    let index = expiry.strikes.get(strikeUsd)
    if (index === undefined) index = this.#addStrike(expiry, strikeUsd)
    const rows = this.#expiryAddress(expiry.slot) + this.#rowsOffset()
    const call = rows + 2 * index * ROW_BYTES
    const put = call + ROW_BYTES
    return {
      underlying,
      expiryS,
      strikeUsd,
      right,
      row: right === 'call' ? call : put,
      pairRow: right === 'call' ? put : call,
      expiryAddress: this.#expiryAddress(expiry.slot),
      underlyingAddress: this.underlyingAddress(underlying),
    }
  }

  /**
   * Brings one copy up to the marks: writes every record, and values the expiries whose record or
   * strikes changed since this copy was last written.
   *
   * @param share - Which of several shares of the work to do; who does the first writes the records.
   * @returns How many expiries were valued.
   * @throws InvalidPortfolioError when an expiry with instruments has no marks or unusable ones.
   */
  mark(copy: number, market: RiskMarket, share = { index: 0, of: 1 }): number {
    if (share.index === 0) this.#writeRecords(copy, market)
    let valued = 0
    for (const expiry of this.#expiries.values()) {
      if (expiry.slot % share.of !== share.index) continue
      const underlying = market.underlyings.find((u) => u.underlying === expiry.underlying)
      const marks = underlying?.expiries.find((e) => e.expiryS === expiry.expiryS)
      if (underlying === undefined || marks === undefined) {
        const values = `underlying ${expiry.underlying} at ${expiry.expiryS}`
        throw new InvalidPortfolioError('an expiry with instruments has marks', values)
      }
      if (this.#valueExpiry(copy, { expiry, underlying, marks })) valued += 1
    }
    return valued
  }

  /** Gives every expiry of a copy, in the order in which they came. */
  expiries(copy: number): ExpiryView[] {
    const { buffer } = this.#memory
    const { strikesPerExpiry } = this.plan.capacity
    return Array.from(this.#expiries.values(), ({ slot, strikes }) => {
      const address = this.#expiryAddress(slot) + copy * this.plan.bytes
      const column = (index: number): Float64Array => {
        const at = address + EXPIRY_BYTES + 8 * strikesPerExpiry * index
        return new Float64Array(buffer, at, strikes.size)
      }
      return {
        record: new Float64Array(buffer, address, EXPIRY_WORDS),
        strikeUsd: column(0),
        volatility: column(2),
        strikes: strikes.size,
      }
    })
  }

  /** Gives an instrument's expiry by its place, and the instrument's index in it: calls are even. */
  locate({ row }: Pick<Instrument, 'row'>): { slot: number; index: number } {
    const slot = Math.floor((row - this.#expiryAddress(0)) / this.plan.expiryBytes)
    const index = (row - this.#expiryAddress(slot) - this.#rowsOffset()) / ROW_BYTES
    return { slot, index }
  }

  /** Gives the words of an instrument's risk array in a copy, as a view. */
  row(copy: number, instrument: Pick<Instrument, 'row'>): BigInt64Array {
    const address = instrument.row + copy * this.plan.bytes
    return new BigInt64Array(this.#memory.buffer, address, ROW_WORDS)
  }

  /** Gives the record of an instrument's expiry in a copy, as a view. */
  expiryRecord(copy: number, instrument: Pick<Instrument, 'expiryAddress'>): Float64Array {
    const address = instrument.expiryAddress + copy * this.plan.bytes
    return new Float64Array(this.#memory.buffer, address, EXPIRY_WORDS)
  }

  #valueExpiry(
    copy: number,
    given: { expiry: Expiry; underlying: UnderlyingMarket; marks: ExpiryMarket },
  ): boolean {
    const { expiry, underlying, marks } = given
    const fresh = this.#fresh
    writeExpiryRecord(fresh, {
      market: marks,
      underlying,
      parameters: this.#parameters,
      columns: this.#columns,
      strikeUsdMax: expiry.strikeUsdMax,
    })
    const address = this.#expiryAddress(expiry.slot) + copy * this.plan.bytes
    const record = new Float64Array(this.#memory.buffer, address, EXPIRY_WORDS)
    if (expiry.valued[copy] === expiry.strikes.size && same(record, fresh)) return false
    record.set(fresh)
    const column = 8 * this.plan.capacity.strikesPerExpiry
    const strikes = address + EXPIRY_BYTES
    const end = strikes + 16 * Math.ceil(expiry.strikes.size / 2)
    const { volatilities, rows } = this.#kernels
    volatilities(address, strikes, end, column, 2 * column)
    const smiles = this.copyAddress(copy) + 8 * GRID.smiles
    const target = address + this.#rowsOffset()
    const count = this.#columns.list.length
    rows(address, strikes, end, column, 2 * column, target, this.#scratch, smiles, count)
    expiry.valued[copy] = expiry.strikes.size
    return true
  }

  #writeRecords(copy: number, market: RiskMarket): void {
    const { buffer } = this.#memory
    const shift = copy * this.plan.bytes
    const grid = new Float64Array(buffer, this.copyAddress(copy), GRID.smiles)
    grid[GRID.lossFactorInitial] = initialLossFactor(market.stableUsd, this.#parameters)
    for (const underlying of market.underlyings) {
      const address = this.underlyingAddress(underlying.underlying) + shift
      const words = new Float64Array(buffer, address, UNDERLYING_BYTES / 8)
      words.set(underlyingRecord(underlying, this.#parameters))
    }
    for (const rules of this.#parameters.collaterals) {
      const mark = market.collaterals.find(({ asset }) => asset === rules.asset)
      if (mark === undefined) continue
      const address = this.assetAddress(rules.asset) + shift
      const words = new Float64Array(buffer, address, ASSET_BYTES / 8)
      words.set(assetRecord({ rules, mark, market, parameters: this.#parameters }))
    }
  }

  /** Writes what no mark changes. */
  #writeGrid(copy: number): void {
    const { buffer } = this.#memory
    const start = this.copyAddress(copy)
    const words = new Float64Array(buffer, start, GRID.smiles)
    const masks = new Int32Array(buffer, start + 8 * GRID.skews, 2 * ROW_WORDS)
    const smiles = new Int32Array(buffer, start + 8 * GRID.smiles, ROW_WORDS)
    const { scenarios, list, mark, basisUp, basisDown } = this.#columns
    words[GRID.lossFactorMaintenance] = this.#parameters.lossFactor.maintenance
    const integers = new Int32Array(buffer, start, 2 * GRID.weights)
    integers[2 * GRID.mark] = 8 * mark
    integers[2 * GRID.basisUp] = 8 * basisUp
    integers[2 * GRID.basisDown] = 8 * basisDown
    integers[2 * GRID.shift] = copy * this.plan.bytes
    for (const [i, { smile }] of list.entries()) smiles[i] = 48 * smile
    for (const [i, scenario] of scenarios.entries()) {
      const skew = scenario.kind === 'skew'
      words[GRID.weights + i] = scenario.dampening * 1e-4
      masks.fill(skew ? -1 : 0, 2 * i, 2 * i + 2)
      words[GRID.moves + i] = skew ? 0 : (scenario.spotFactor - 1) * scenario.dampening
    }
  }

  #expiry(underlying: UnderlyingId, expiryS: number): Expiry {
    const name = `${underlying}/${expiryS}`
    const known = this.#expiries.get(name)
    if (known !== undefined) return known
    const slot = this.#expiries.size
    const { expiries } = this.plan.capacity
    if (slot >= expiries) throw new EngineFullError('expiries', expiries, slot + 1)
    const valued = Array.from({ length: this.#copies }, () => 0)
    const strikes = new Map<number, number>()
    const expiry = { underlying, expiryS, slot, strikes, strikeUsdMax: 0, valued }
    this.#expiries.set(name, expiry)
    return expiry
  }

  #addStrike(expiry: Expiry, strikeUsd: number): number {
    const index = expiry.strikes.size
    const { strikesPerExpiry } = this.plan.capacity
    if (index >= strikesPerExpiry) {
      throw new EngineFullError('strikes of an expiry', strikesPerExpiry, index + 1)
    }
    expiry.strikes.set(strikeUsd, index)
    expiry.strikeUsdMax = Math.max(expiry.strikeUsdMax, strikeUsd)
    for (let copy = 0; copy < this.#copies; copy++) {
      const address = this.#expiryAddress(expiry.slot) + copy * this.plan.bytes + EXPIRY_BYTES
      const column = new Float64Array(this.#memory.buffer, address, strikesPerExpiry)
      column[index] = strikeUsd
      // Strikes are valued in pairs: an odd one has a neighbour that nobody holds.
      if (index % 2 === 0) column[index + 1] = strikeUsd
    }
    return index
  }

  #expiryAddress(slot: number): number {
    return this.#start + this.plan.expiries + slot * this.plan.expiryBytes
  }

  #rowsOffset(): number {
    return EXPIRY_BYTES + 24 * this.plan.capacity.strikesPerExpiry
  }
}

function same(a: Float64Array, b: Float64Array): boolean {
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false
  return true
}
