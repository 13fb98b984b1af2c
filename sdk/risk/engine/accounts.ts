import { assert } from '../../protocol/assert.ts'
import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import type { KernelMemory, Kernels } from '../kernel/instance.ts'
import { ACCOUNT, BOOK, BOOK_BYTES, GROUP, GROUP_BYTES, POSITION_BYTES } from '../kernel/layout.ts'
import { type EngineHoldings, planAccount, type Views, writeAccount } from './account-record.ts'
import { type Arena, EngineFullError, pieceBytes } from './arena.ts'
import type { Instrument, RiskGrid } from './grid.ts'

/** Margin of an account, whole micro-dollars, rounded against it. */
export type EngineMargin = {
  equityMicro: number
  /** What is left above the initial requirement; `NaN` where sums might leave 64 bits. */
  initialMicro: number
  /** What is left above the maintenance requirement; `NaN` as above. */
  maintenanceMicro: number
  /** Sum of the books' largest losses. */
  worstLossMicro: number
}

/** A position or cash leaves the range of exact doubles here. */
const WHOLE_MAX = Number.MAX_SAFE_INTEGER

/** Where an account's record is. */
type Place = { index: number; address: number; bytes: number }

/** The accounts of one shard, margined from a grid's risk arrays. */
export class AccountShard {
  readonly #grid: RiskGrid
  readonly #kernels: Kernels
  readonly #arena: Arena
  readonly #list: number
  readonly #accountsMax: number
  readonly #views: Views
  readonly #places = new Map<string, Place>()
  readonly #names: string[] = []
  #bytes = 0

  /**
   * @param options.list - Address of a list of `accountsMax` addresses, 4 bytes each.
   * @param options.arena - Memory for the accounts' records.
   */
  constructor(options: {
    grid: RiskGrid
    kernels: Kernels
    memory: KernelMemory
    arena: Arena
    list: number
    accountsMax: number
  }) {
    this.#grid = options.grid
    this.#kernels = options.kernels
    this.#arena = options.arena
    this.#list = options.list
    this.#accountsMax = options.accountsMax
    const { buffer } = options.memory
    this.#views = { i32: new Int32Array(buffer), f64: new Float64Array(buffer) }
  }

  /** Number of accounts. */
  get size(): number {
    return this.#names.length
  }

  /** Bytes that the accounts' records take. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Sets what an account holds; its margin follows with {@link mark} or {@link markOne}.
   *
   * @throws EngineFullError when there is no room.
   * @throws InvalidPortfolioError when a figure is not a whole number below 2^53.
   */
  set(account: string, holdings: EngineHoldings): void {
    checkWhole(holdings)
    const plan = planAccount(holdings, this.#grid)
    const old = this.#places.get(account)
    if (old !== undefined && pieceBytes(old.bytes) === pieceBytes(plan.bytes)) {
      writeAccount(this.#views, old.address, plan)
      old.bytes = plan.bytes
      return
    }
    const index = old?.index ?? this.#names.length
    if (index >= this.#accountsMax) {
      throw new EngineFullError('accounts', this.#accountsMax, index + 1)
    }
    const address = this.#arena.allocate(plan.bytes)
    writeAccount(this.#views, address, plan)
    this.#views.i32[this.#list / 4 + index] = address
    this.#bytes += pieceBytes(plan.bytes)
    if (old === undefined) this.#names.push(account)
    else {
      this.#arena.free(old.address, old.bytes)
      this.#bytes -= pieceBytes(old.bytes)
    }
    this.#places.set(account, { index, address, bytes: plan.bytes })
  }

  /** Margins accounts `from` to before `to` anew, in the order in which they came. */
  mark(copy: number, from = 0, to = this.size): void {
    const list = this.#list + 4 * from
    this.#kernels.mark(list, this.#list + 4 * to, this.#grid.copyAddress(copy))
  }

  /** Margins one account anew. */
  markOne(copy: number, account: string): EngineMargin {
    const { index } = this.#place(account)
    this.mark(copy, index, index + 1)
    return this.margin(account)
  }

  /**
   * Adds lots to a position of an account that is up to date with the copy, and margins it.
   *
   * @param lots - Whole, signed.
   * @param cashMicro - What the account is paid for it, whole micro-dollars, signed.
   * @returns The margin with the fill; it stays until the opposite fill is made.
   */
  fill(
    copy: number,
    account: string,
    fill: { instrument: Instrument; lots: number; cashMicro: number },
  ): EngineMargin {
    const { instrument, lots, cashMicro } = fill
    const { address } = this.#place(account)
    const { f64 } = this.#views
    const cash = address / 8 + ACCOUNT.cash
    const book = this.#findBook(address, instrument.underlyingAddress)
    const group = book === 0 ? 0 : this.#findGroup(book, instrument.expiryAddress)
    if (group === 0 || !this.#addLots(group, instrument, lots)) {
      this.#rebuild(account, fill)
      return this.markOne(copy, account)
    }
    f64[cash] = (f64[cash] as number) + cashMicro
    const row = instrument.row + copy * this.#grid.plan.bytes
    this.#kernels.fill(address, book, group, row, lots, this.#grid.copyAddress(copy))
    return this.#read(address)
  }

  /** Gives an account's margin as it was last computed. */
  margin(account: string): EngineMargin {
    return this.#read(this.#place(account).address)
  }

  /** Gives what an account holds. */
  holdings(account: string): EngineHoldings {
    return readHoldings(this.#views, this.#place(account).address, this.#grid)
  }

  #read(address: number): EngineMargin {
    const { f64 } = this.#views
    const at = address / 8
    return {
      equityMicro: f64[at + ACCOUNT.equity] as number,
      initialMicro: f64[at + ACCOUNT.initial] as number,
      maintenanceMicro: f64[at + ACCOUNT.maintenance] as number,
      worstLossMicro: f64[at + ACCOUNT.worst] as number,
    }
  }

  #place(account: string): Place {
    const place = this.#places.get(account)
    assert(place !== undefined, 'an account is in its shard')
    return place
  }

  #findBook(address: number, underlying: number): number {
    const { i32 } = this.#views
    const first = i32[address / 4 + 2 * ACCOUNT.books] as number
    const count = i32[address / 4 + 2 * ACCOUNT.books + 1] as number
    for (let book = first; book < first + count * BOOK_BYTES; book += BOOK_BYTES) {
      if (i32[book / 4 + 2 * BOOK.underlying] === underlying) return book
    }
    return 0
  }

  #findGroup(book: number, expiry: number): number {
    const { i32 } = this.#views
    const first = i32[book / 4 + 2 * BOOK.groups] as number
    const count = i32[book / 4 + 2 * BOOK.groups + 1] as number
    for (let group = first; group < first + count * GROUP_BYTES; group += GROUP_BYTES) {
      if (i32[group / 4 + 2 * GROUP.expiry] === expiry) return group
    }
    return 0
  }

  /** Adds lots to a position of a group, which is made if there is room: false if there is none. */
  #addLots(group: number, { row, pairRow }: Instrument, lots: number): boolean {
    const { i32, f64 } = this.#views
    const positions = i32[group / 4 + 2 * GROUP.expiry + 1] as number
    const count = i32[group / 4 + 2 * GROUP.positions] as number
    const room = i32[group / 4 + 2 * GROUP.positions + 1] as number
    let own = -1
    let pairLots = 0
    for (let i = 0; i < count; i++) {
      const position = positions + i * POSITION_BYTES
      const held = i32[position / 4]
      if (held === row) own = position
      else if (held === pairRow) pairLots = f64[position / 8 + 1] as number
    }
    if (own < 0) {
      if (count === room) return false
      own = positions + count * POSITION_BYTES
      i32[own / 4] = row
      f64[own / 8 + 1] = 0
      i32[group / 4 + 2 * GROUP.positions] = count + 1
    }
    const before = f64[own / 8 + 1] as number
    const after = before + lots
    checkFigure(after)
    f64[own / 8 + 1] = after
    const at = group / 8
    const gross = (f64[at + GROUP.grossLots] as number) - Math.abs(before) + Math.abs(after)
    f64[at + GROUP.grossLots] = gross
    const nakedBefore = Math.max(0, -(before + pairLots))
    const naked = (f64[at + GROUP.nakedLots] as number) - nakedBefore
    f64[at + GROUP.nakedLots] = naked + Math.max(0, -(after + pairLots))
    return true
  }

  /** Makes an account's record anew with one fill more. */
  #rebuild(
    account: string,
    { instrument, lots, cashMicro }: { instrument: Instrument; lots: number; cashMicro: number },
  ): void {
    const held = this.holdings(account)
    const options = held.options.filter((option) => option.lots !== 0)
    const same = options.find((option) => option.instrument.row === instrument.row)
    assert(same === undefined, 'a position that exists is changed in place')
    this.set(account, {
      ...held,
      cashMicro: held.cashMicro + cashMicro,
      options: [...options, { instrument, lots }],
    })
  }
}

function readHoldings({ i32, f64 }: Views, address: number, grid: RiskGrid): EngineHoldings {
  const options: { instrument: Instrument; lots: number }[] = []
  const perpetuals: { underlying: number; lots: number; unsettledMicro: number }[] = []
  const collaterals: EngineHoldings['collaterals'][number][] = []
  const first = i32[address / 4 + 2 * ACCOUNT.books] as number
  const count = i32[address / 4 + 2 * ACCOUNT.books + 1] as number
  for (let book = first; book < first + count * BOOK_BYTES; book += BOOK_BYTES) {
    const underlying = grid.underlyingAt(i32[book / 4 + 2 * BOOK.underlying] as number)
    const lots = f64[book / 8 + BOOK.perpetualLots] as number
    const unsettledMicro = f64[book / 8 + BOOK.unsettled] as number
    if (underlying !== undefined && (lots !== 0 || unsettledMicro !== 0)) {
      perpetuals.push({ underlying, lots, unsettledMicro })
    }
    const items = i32[book / 4 + 2 * BOOK.underlying + 1] as number
    for (let i = 0; i < (i32[book / 4 + 2 * BOOK.collaterals] as number); i++) {
      const item = items + i * 16
      const asset = grid.assetAt(i32[item / 4] as number)
      collaterals.push({ asset, underlying, amount: f64[item / 8 + 1] as number })
    }
    const groups = i32[book / 4 + 2 * BOOK.groups] as number
    const groupCount = i32[book / 4 + 2 * BOOK.groups + 1] as number
    for (let group = groups; group < groups + groupCount * GROUP_BYTES; group += GROUP_BYTES) {
      const positions = i32[group / 4 + 2 * GROUP.expiry + 1] as number
      for (let i = 0; i < (i32[group / 4 + 2 * GROUP.positions] as number); i++) {
        const position = positions + i * POSITION_BYTES
        const held = f64[position / 8 + 1] as number
        options.push({ instrument: grid.instrumentAt(i32[position / 4] as number), lots: held })
      }
    }
  }
  const cashMicro = f64[address / 8 + ACCOUNT.cash] as number
  return { cashMicro, options, perpetuals, collaterals }
}

function checkWhole({ cashMicro, options, perpetuals, collaterals }: EngineHoldings): void {
  checkFigure(cashMicro)
  for (const { lots } of options) checkFigure(lots)
  for (const { lots, unsettledMicro } of perpetuals ?? []) {
    checkFigure(lots)
    checkFigure(unsettledMicro)
  }
  for (const { amount } of collaterals) {
    if (!Number.isFinite(amount)) {
      throw new InvalidPortfolioError('an amount is a finite number', `${amount}`)
    }
  }
}

function checkFigure(value: number): void {
  if (Number.isInteger(value) && Math.abs(value) <= WHOLE_MAX) return
  throw new InvalidPortfolioError('a figure is a whole number below 2^53', `${value}`)
}
