import { assert } from '../../protocol/assert.ts'
import type { Greeks } from '../greeks.ts'
import { GREEK_COLUMNS, OPTION_COLUMNS } from '../kernel/batch-greeks.ts'
import type { KernelMemory, Kernels } from '../kernel/instance.ts'
import { EXPIRY } from '../kernel/layout.ts'
import type { GridPlan } from './grid-plan.ts'
import type { ExpiryView, Instrument, RiskGrid } from './grid.ts'

const COLUMNS = OPTION_COLUMNS.length + GREEK_COLUMNS.length

/** Bytes that the Greeks of a grid's instruments take. */
export function greekSheetBytes({ capacity }: GridPlan): number {
  return COLUMNS * 8 * 2 * capacity.expiries * capacity.strikesPerExpiry
}

/** Prices and Greeks of every instrument of a grid, made anew on demand. */
export class GreekSheet {
  readonly #grid: RiskGrid
  readonly #kernels: Kernels
  readonly #columns: readonly Float64Array[]
  readonly #addresses: readonly number[]
  /** First index of each expiry in the order of the grid. */
  readonly #firsts: number[] = []
  readonly #strikes: number[] = []

  /** @param options.start - Address of {@link greekSheetBytes} bytes, a multiple of 16. */
  constructor(options: { grid: RiskGrid; kernels: Kernels; memory: KernelMemory; start: number }) {
    const { grid, memory, start } = options
    this.#grid = grid
    this.#kernels = options.kernels
    const { expiries, strikesPerExpiry } = grid.plan.capacity
    const rows = 2 * expiries * strikesPerExpiry
    this.#addresses = Array.from({ length: COLUMNS }, (_, i) => start + 8 * rows * i)
    this.#columns = this.#addresses.map((at) => new Float64Array(memory.buffer, at, rows))
  }

  /**
   * Computes prices and Greeks from the marks that a copy of the grid was last brought up to.
   *
   * @returns Number of instruments.
   */
  compute(copy: number): number {
    let next = 0
    for (const [slot, expiry] of this.#grid.expiries(copy).entries()) {
      if (this.#firsts[slot] !== next || this.#strikes[slot] !== expiry.strikes) {
        this.#placeStrikes(slot, expiry, next)
      }
      this.#fill(expiry, next)
      next += 2 * expiry.strikes
    }
    // Options are computed in pairs; call and put of a strike are one.
    this.#kernels.greeks(next, ...this.#addresses)
    return next
  }

  /** Gives an instrument's price, USD, and Greeks as last computed. */
  read(
    instrument: Instrument,
  ): Pick<Greeks, 'delta' | 'gamma' | 'vega' | 'theta' | 'rho'> & { priceUsd: number } {
    const { slot, index } = this.#grid.locate(instrument)
    const first = this.#firsts[slot]
    assert(first !== undefined, 'the Greeks of an instrument were computed')
    const at = first + index
    const value = (name: (typeof GREEK_COLUMNS)[number]): number =>
      this.#columns[OPTION_COLUMNS.length + GREEK_COLUMNS.indexOf(name)]?.[at] as number
    return {
      priceUsd: value('priceUsd'),
      delta: value('delta'),
      gamma: value('gamma'),
      vega: value('vega'),
      theta: value('theta'),
      rho: value('rho'),
    }
  }

  #placeStrikes(slot: number, expiry: ExpiryView, first: number): void {
    const sign = this.#column('sign')
    const strike = this.#column('strikeUsd')
    for (let i = 0; i < expiry.strikes; i++) {
      const at = first + 2 * i
      sign[at] = 1
      sign[at + 1] = -1
      const strikeUsd = expiry.strikeUsd[i] as number
      strike.fill(strikeUsd, at, at + 2)
    }
    this.#firsts[slot] = first
    this.#strikes[slot] = expiry.strikes
  }

  #fill({ record, volatility, strikes }: ExpiryView, first: number): void {
    const end = first + 2 * strikes
    this.#column('forwardUsd').fill(record[EXPIRY.forward] as number, first, end)
    this.#column('years').fill(record[EXPIRY.years] as number, first, end)
    this.#column('discount').fill(record[EXPIRY.discount] as number, first, end)
    this.#column('ratePerYear').fill(record[EXPIRY.rate] as number, first, end)
    const column = this.#column('volatility')
    for (let i = 0; i < strikes; i++) {
      const value = volatility[i] as number
      column[first + 2 * i] = value
      column[first + 2 * i + 1] = value
    }
  }

  #column(name: (typeof OPTION_COLUMNS)[number]): Float64Array {
    return this.#columns[OPTION_COLUMNS.indexOf(name)] as Float64Array
  }
}
