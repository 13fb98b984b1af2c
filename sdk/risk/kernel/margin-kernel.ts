import { type Code, FunctionBuilder, type Local, TYPE } from './assembler.ts'
import { f64, f64x2, i32, i64, i64x2, v128 } from './instructions.ts'
import {
  ACCOUNT,
  ASSET,
  BOOK,
  BOOK_BYTES,
  COLLATERAL_BYTES,
  EXPIRY,
  GRID,
  GROUP,
  GROUP_BYTES,
  POSITION_BYTES,
  ROW_WORDS,
  UNDERLYING,
} from './layout.ts'
import { type ConstantTable, VectorMath } from './vector.ts'

/** Words of a risk array that are summed in registers at a time. */
const BLOCK_WORDS = 9
/** From here on a sum of lots × micro-dollars might leave 64 bits. */
const SUM_MAX = 4_611_686_018_427_387_904
/** 10^-10 dollars in micro-dollars. */
const MICRO_PER_SUM = 1e-4

const { add, subtract, multiply } = f64

/** Double at a word of a record. */
const at = (record: Local, word: number): Code => f64.load(record.get, 8 * word)
const lowAddress = (record: Local, word: number): Code => i32.load(record.get, 8 * word)
/** An address of the grid's first copy, in the copy that `grid` belongs to. */
const shifted = (grid: Local, address: Code): Code => i32.add(address, lowAddress(grid, GRID.shift))
const highAddress = (record: Local, word: number): Code => i32.load(record.get, 8 * word + 4)

/**
 * Makes `sum(group, shift)`: sums an expiry's positions times their risk arrays, in whole numbers.
 * Addresses of the grid's first copy stand in positions and groups; `shift` leads to the copy in use.
 */
export function sumFunction(): FunctionBuilder {
  const f = new FunctionBuilder('sum', [TYPE.i32, TYPE.i32])
  const group = f.parameter(0)
  const shift = f.parameter(1)
  const first = f.keep(TYPE.i32, highAddress(group, GROUP.expiry))
  const bytes = i32.multiply(lowAddress(group, GROUP.positions), i32.constant(POSITION_BYTES))
  const end = f.keep(TYPE.i32, i32.add(first.get, bytes))
  const position = f.keep(TYPE.i32, i32.constant(0))
  const row = f.keep(TYPE.i32, i32.constant(0))
  const lots = f.keep(TYPE.i64, i64.constant(0n))
  const sums = Array.from({ length: BLOCK_WORDS }, () => f.keep(TYPE.i64, i64.constant(0n)))
  for (let block = 0; block < ROW_WORDS; block += BLOCK_WORDS) {
    for (const sum of sums) sum.set(i64.constant(0n))
    position.set(first.get)
    f.loop(position, end.get, POSITION_BYTES, () => {
      row.set(i32.add(i32.load(position.get), shift.get))
      lots.set(i64.truncate(f64.load(position.get, 8)))
      for (const [i, sum] of sums.entries()) {
        const word = i64.load(row.get, 8 * (block + i))
        sum.set(i64.add(sum.get, i64.multiply(word, lots.get)))
      }
    })
    for (const [i, sum] of sums.entries()) {
      f.emit(i64.store(group.get, sum.get, 8 * (GROUP.sums + block + i)))
    }
  }
  return f
}

/** Makes `add(group, row, lots)`: adds lots of one risk array to an expiry's sums. */
export function addFunction(): FunctionBuilder {
  const f = new FunctionBuilder('add', [TYPE.i32, TYPE.i32, TYPE.f64])
  const group = f.parameter(0)
  const row = f.parameter(1)
  const lots = f.keep(TYPE.i64, i64.truncate(f.parameter(2).get))
  for (let word = 0; word < ROW_WORDS; word++) {
    const offset = 8 * (GROUP.sums + word)
    const more = i64.multiply(i64.load(row.get, 8 * word), lots.get)
    f.emit(i64.store(group.get, i64.add(i64.load(group.get, offset), more), offset))
  }
  return f
}

/**
 * Makes `lose(group, grid)`: the profit of an expiry in every scenario, its basis contingency and its
 * mark from its sums, each rounded down to a micro-dollar.
 */
export function loseFunction(constants: ConstantTable): FunctionBuilder {
  const f = new FunctionBuilder('lose', [TYPE.i32, TYPE.i32])
  const math = new VectorMath(f, constants)
  const group = f.parameter(0)
  const grid = f.parameter(1)
  const expiry = f.keep(TYPE.i32, shifted(grid, lowAddress(group, GROUP.expiry)))
  const sumAt = (word: number): Code =>
    f64.fromSigned(i64.load(i32.add(group.get, lowAddress(grid, word)), 8 * GROUP.sums))
  const mark = f.keep(TYPE.f64, sumAt(GRID.mark))
  const marks = math.keep(f64x2.splat(mark.get))
  const owned = math.keep(v128.loadSplat(expiry.get, 8 * EXPIRY.discountPositive))
  const owed = math.keep(v128.loadSplat(expiry.get, 8 * EXPIRY.discountNegative))
  const offset = f.keep(TYPE.i32, i32.constant(0))
  const from = (record: Local, word: number): Code =>
    v128.load(i32.add(record.get, offset.get), 8 * word)
  f.loop(offset, i32.constant(8 * ROW_WORDS), 16, () => {
    const sum = doubles(math, constants, from(group, GROUP.sums))
    const discount = math.choose(f64x2.less(sum.get, math.number(0)), owed.get, owned.get)
    const moved = f64x2.subtract(f64x2.multiply(sum.get, discount), marks.get)
    const profit = math.keep(f64x2.multiply(moved, from(grid, GRID.weights)))
    const loss = f64x2.negate(f64x2.abs(profit.get))
    const counted = math.choose(from(grid, GRID.skews), loss, profit.get)
    f.emit(v128.store(i32.add(group.get, offset.get), f64x2.floor(counted), 8 * GROUP.profits))
  })
  const up = subtract(sumAt(GRID.basisUp), mark.get)
  const down = subtract(sumAt(GRID.basisDown), mark.get)
  const basis = f64.min(f64.min(up, down), f64.constant(0))
  const weight = multiply(at(expiry, EXPIRY.basisWeight), f64.constant(MICRO_PER_SUM))
  // Where 64 bits might not do, the result is no number and the caller takes the exact way.
  const largest = multiply(at(group, GROUP.grossLots), at(expiry, EXPIRY.valueMicroMax))
  const fits = f64.less(largest, f64.constant(SUM_MAX))
  const counted = f64.select(f64.floor(multiply(basis, weight)), f64.constant(NaN), fits)
  f.emit(f64.store(group.get, counted, 8 * GROUP.basis))
  const value = f64.floor(multiply(mark.get, f64.constant(MICRO_PER_SUM)))
  f.emit(f64.store(group.get, value, 8 * GROUP.mark))
  return f
}

/** 64-bit integers as the nearest doubles: both halves become doubles exactly, one addition rounds. */
function doubles(math: VectorMath, constants: ConstantTable, value: Code): Local {
  const whole = math.keep(value)
  const high = v128.xor(
    i64x2.shiftRightUnsigned(whole.get, 32),
    constants.bits(0x4530000080000000n),
  )
  const low = v128.or(
    v128.and(whole.get, constants.bits(0xffffffffn)),
    constants.bits(0x4330000000000000n),
  )
  const bias = constants.bits(0x4530000080100000n)
  return math.keep(f64x2.add(f64x2.subtract(high, bias), low))
}

/** Makes `book(book, grid)`: profits, worst loss, charges and value of what stands on one underlying. */
export function bookFunction(constants: ConstantTable): FunctionBuilder {
  const f = new FunctionBuilder('book', [TYPE.i32, TYPE.i32])
  const math = new VectorMath(f, constants)
  const book = f.parameter(0)
  const grid = f.parameter(1)
  const underlying = f.keep(TYPE.i32, shifted(grid, lowAddress(book, BOOK.underlying)))
  const double = (value: Code): Local => f.keep(TYPE.f64, value)
  const zero = f64.constant(0)
  const lots = double(f64.abs(at(book, BOOK.perpetualLots)))
  const spot = double(at(underlying, UNDERLYING.spot))
  const notional = double(multiply(lots.get, spot.get))
  const held = f.keep(TYPE.i32, f64.less(zero, lots.get))
  const options = sumGroups(f, { book, grid, held, spot })

  const perpetual = multiply(
    at(book, BOOK.perpetualLots),
    at(underlying, UNDERLYING.perpetualPrice),
  )
  const collateral = sumCollaterals(f, { book, grid, perpetual })
  const naked = double(multiply(options.naked.get, spot.get))
  const maintenance = add(
    add(
      multiply(notional.get, at(underlying, UNDERLYING.perpetualMaintenance)),
      multiply(naked.get, at(underlying, UNDERLYING.nakedMaintenance)),
    ),
    collateral.maintenance.get,
  )
  const initial = add(
    add(
      multiply(notional.get, at(underlying, UNDERLYING.perpetualInitial)),
      multiply(naked.get, at(underlying, UNDERLYING.nakedInitial)),
    ),
    add(
      add(
        multiply(notional.get, at(underlying, UNDERLYING.perpetualConfidence)),
        options.doubt.get,
      ),
      collateral.initial.get,
    ),
  )
  f.emit(f64.store(book.get, maintenance, 8 * BOOK.maintenance))
  f.emit(f64.store(book.get, initial, 8 * BOOK.initial))
  const value = add(add(options.mark.get, at(book, BOOK.unsettled)), collateral.value.get)
  f.emit(f64.store(book.get, value, 8 * BOOK.value))
  const worst = worstProfit(f, math, { book, grid, exposure: collateral.exposure })
  const lowest = f64.min(f64.min(worst, options.basis.get), zero)
  f.emit(f64.store(book.get, f64.negate(lowest), 8 * BOOK.worst))
  return f
}

/** Sums basis, mark, naked lots and the charge of confidence over a book's groups. */
function sumGroups(
  f: FunctionBuilder,
  { book, grid, held, spot }: { book: Local; grid: Local; held: Local; spot: Local },
): Record<'basis' | 'mark' | 'naked' | 'doubt', Local> {
  const double = (): Local => f.keep(TYPE.f64, f64.constant(0))
  const totals = { basis: double(), mark: double(), naked: double(), doubt: double() }
  const group = f.keep(TYPE.i32, lowAddress(book, BOOK.groups))
  const end = groupsEnd(f, book)
  f.loop(group, end.get, GROUP_BYTES, () => {
    const expiry = f.keep(TYPE.i32, shifted(grid, lowAddress(group, GROUP.expiry)))
    totals.basis.set(add(totals.basis.get, at(group, GROUP.basis)))
    totals.mark.set(add(totals.mark.get, at(group, GROUP.mark)))
    const live = multiply(at(group, GROUP.nakedLots), at(expiry, EXPIRY.live))
    totals.naked.set(add(totals.naked.get, live))
    const rate = f64.select(
      at(expiry, EXPIRY.confidenceWithPerpetual),
      at(expiry, EXPIRY.confidence),
      held.get,
    )
    const contracts = multiply(at(group, GROUP.grossLots), spot.get)
    totals.doubt.set(add(totals.doubt.get, multiply(contracts, rate)))
  })
  return totals
}

/** Sums value, haircuts and what moves with scenarios over a book's collaterals. */
function sumCollaterals(
  f: FunctionBuilder,
  { book, grid, perpetual }: { book: Local; grid: Local; perpetual: Code },
): Record<'value' | 'exposure' | 'maintenance' | 'initial', Local> {
  const double = (value: Code): Local => f.keep(TYPE.f64, value)
  const zero = f64.constant(0)
  const totals = {
    value: double(zero),
    exposure: double(perpetual),
    maintenance: double(zero),
    initial: double(zero),
  }
  const item = f.keep(TYPE.i32, highAddress(book, BOOK.underlying))
  const bytes = i32.multiply(lowAddress(book, BOOK.collaterals), i32.constant(COLLATERAL_BYTES))
  const end = f.keep(TYPE.i32, i32.add(item.get, bytes))
  f.loop(item, end.get, COLLATERAL_BYTES, () => {
    const asset = f.keep(TYPE.i32, shifted(grid, i32.load(item.get)))
    const value = double(multiply(f64.load(item.get, 8), at(asset, ASSET.price)))
    totals.value.set(add(totals.value.get, value.get))
    const moving = multiply(value.get, at(asset, ASSET.cancels))
    totals.exposure.set(add(totals.exposure.get, moving))
    const haircut = multiply(value.get, at(asset, ASSET.maintenance))
    totals.maintenance.set(add(totals.maintenance.get, haircut))
    const more = multiply(value.get, add(at(asset, ASSET.initial), at(asset, ASSET.confidence)))
    totals.initial.set(add(totals.initial.get, more))
  })
  return totals
}

/** Writes the profit of each scenario and gives the lowest. */
function worstProfit(
  f: FunctionBuilder,
  math: VectorMath,
  { book, grid, exposure }: { book: Local; grid: Local; exposure: Local },
): Code {
  const moving = math.keep(f64x2.splat(exposure.get))
  const lowest = math.keep(math.number(0))
  const end = groupsEnd(f, book)
  const offset = f.keep(TYPE.i32, i32.constant(0))
  const group = f.keep(TYPE.i32, i32.constant(0))
  const total = math.keep(math.number(0))
  f.loop(offset, i32.constant(8 * ROW_WORDS), 16, () => {
    const move = v128.load(i32.add(grid.get, offset.get), 8 * GRID.moves)
    total.set(f64x2.floor(f64x2.multiply(moving.get, move)))
    group.set(lowAddress(book, BOOK.groups))
    f.loop(group, end.get, GROUP_BYTES, () => {
      const profit = v128.load(i32.add(group.get, offset.get), 8 * GROUP.profits)
      total.set(f64x2.add(total.get, profit))
    })
    f.emit(v128.store(i32.add(book.get, offset.get), total.get, 8 * BOOK.profits))
    lowest.set(f64x2.pmin(lowest.get, total.get))
  })
  return f64.min(f64x2.extract(lowest.get, 0), f64x2.extract(lowest.get, 1))
}

function groupsEnd(f: FunctionBuilder, book: Local): Local {
  const bytes = i32.multiply(highAddress(book, BOOK.groups), i32.constant(GROUP_BYTES))
  return f.keep(TYPE.i32, i32.add(lowAddress(book, BOOK.groups), bytes))
}

/** Makes `account(account, grid)`: sums an account's books, rounded against the account. */
export function accountFunction(): FunctionBuilder {
  const f = new FunctionBuilder('account', [TYPE.i32, TYPE.i32])
  const account = f.parameter(0)
  const grid = f.parameter(1)
  const double = (value: Code): Local => f.keep(TYPE.f64, value)
  const equity = double(at(account, ACCOUNT.cash))
  const worst = double(f64.constant(0))
  const charges = double(f64.constant(0))
  const extra = double(f64.constant(0))
  const book = f.keep(TYPE.i32, lowAddress(account, ACCOUNT.books))
  const bytes = i32.multiply(highAddress(account, ACCOUNT.books), i32.constant(BOOK_BYTES))
  const end = f.keep(TYPE.i32, i32.add(book.get, bytes))
  f.loop(book, end.get, BOOK_BYTES, () => {
    equity.set(add(equity.get, at(book, BOOK.value)))
    worst.set(add(worst.get, at(book, BOOK.worst)))
    charges.set(add(charges.get, at(book, BOOK.maintenance)))
    extra.set(add(extra.get, at(book, BOOK.initial)))
  })
  const left = (factor: number, charged: Code): Code =>
    f64.floor(subtract(subtract(equity.get, multiply(worst.get, at(grid, factor))), charged))
  f.emit(f64.store(account.get, f64.floor(equity.get), 8 * ACCOUNT.equity))
  const initial = left(GRID.lossFactorInitial, add(charges.get, extra.get))
  f.emit(f64.store(account.get, initial, 8 * ACCOUNT.initial))
  const maintenance = left(GRID.lossFactorMaintenance, charges.get)
  f.emit(f64.store(account.get, maintenance, 8 * ACCOUNT.maintenance))
  f.emit(f64.store(account.get, worst.get, 8 * ACCOUNT.worst))
  return f
}

/** Indices of the functions that {@link markFunction} and {@link fillFunction} call. */
export type MarginCalls = Record<
  'sum' | 'add' | 'lose' | 'book' | 'account',
  (...operands: Code[]) => Code
>

/**
 * Makes `mark(list, listEnd, grid)`: margins accounts anew from the risk arrays; the list holds their
 * addresses, 4 bytes each, and `grid` is the record of the copy in use.
 */
export function markFunction(calls: MarginCalls): FunctionBuilder {
  const f = new FunctionBuilder('mark', [TYPE.i32, TYPE.i32, TYPE.i32])
  const [list, listEnd, grid] = [f.parameter(0), f.parameter(1), f.parameter(2)] as const
  const shift = f.keep(TYPE.i32, lowAddress(grid, GRID.shift))
  f.loop(list, listEnd.get, 4, () => {
    const account = f.keep(TYPE.i32, i32.load(list.get))
    const book = f.keep(TYPE.i32, lowAddress(account, ACCOUNT.books))
    const bytes = i32.multiply(highAddress(account, ACCOUNT.books), i32.constant(BOOK_BYTES))
    const end = f.keep(TYPE.i32, i32.add(book.get, bytes))
    f.loop(book, end.get, BOOK_BYTES, () => {
      const group = f.keep(TYPE.i32, lowAddress(book, BOOK.groups))
      const groupEnd = groupsEnd(f, book)
      f.loop(group, groupEnd.get, GROUP_BYTES, () => {
        f.emit(calls.sum(group.get, shift.get), calls.lose(group.get, grid.get))
      })
      f.emit(calls.book(book.get, grid.get))
    })
    f.emit(calls.account(account.get, grid.get))
  })
  return f
}

/**
 * Makes `fill(account, book, group, row, lots, grid)`: brings an account up to date after lots were
 * added to a position; `row` lies in the copy of `grid`, and the group's gross and naked lots are already right.
 */
export function fillFunction(calls: MarginCalls): FunctionBuilder {
  const f = new FunctionBuilder('fill', [
    TYPE.i32,
    TYPE.i32,
    TYPE.i32,
    TYPE.i32,
    TYPE.f64,
    TYPE.i32,
  ])
  const [account, book, group, row, lots, grid] = Array.from(
    { length: 6 },
    (_, i) => f.parameter(i).get,
  ) as [Code, Code, Code, Code, Code, Code]
  f.emit(calls.add(group, row, lots), calls.lose(group, grid))
  f.emit(calls.book(book, grid), calls.account(account, grid))
  return f
}
