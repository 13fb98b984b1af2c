import type { AssetId, UnderlyingId } from '../../protocol/ids.ts'
import {
  ACCOUNT,
  ACCOUNT_BYTES,
  BOOK,
  BOOK_BYTES,
  COLLATERAL_BYTES,
  GROUP,
  GROUP_BYTES,
  POSITION_BYTES,
} from '../kernel/layout.ts'
import type { Instrument, RiskGrid } from './grid.ts'

/** What an account holds, in the engine's integers. */
export type EngineHoldings = {
  /** Micro-dollars, whole, signed. */
  cashMicro: number
  /** At most one entry per instrument; lots of 10^-4 contract, whole, signed, not 0. */
  options: readonly { instrument: Instrument; lots: number }[]
  /** At most one entry per underlying. */
  perpetuals?: readonly { underlying: UnderlyingId; lots: number; unsettledMicro: number }[]
  /** Whole tokens; the book of each asset is its rules'. */
  collaterals: readonly { asset: AssetId; underlying: UnderlyingId | undefined; amount: number }[]
}

/** Positions of one expiry. */
type GroupPlan = { expiry: number; options: EngineHoldings['options']; room: number }
/** What stands on one underlying. */
type BookPlan = {
  underlying: number
  groups: Map<number, GroupPlan>
  perpetual: { lots: number; unsettledMicro: number } | undefined
  collaterals: { asset: number; amount: number }[]
}
/** An account's record before it has an address. */
export type AccountPlan = { cashMicro: number; books: BookPlan[]; bytes: number }

/** Sorts holdings into books and expiries, with room for a few more positions in each expiry. */
export function planAccount(holdings: EngineHoldings, grid: RiskGrid): AccountPlan {
  const books = new Map<number, BookPlan>()
  const bookOf = (underlying: number): BookPlan => {
    let book = books.get(underlying)
    if (book === undefined) {
      book = { underlying, groups: new Map(), perpetual: undefined, collaterals: [] }
      books.set(underlying, book)
    }
    return book
  }
  for (const option of holdings.options) {
    const { underlyingAddress, expiryAddress } = option.instrument
    const { groups } = bookOf(underlyingAddress)
    const held = groups.get(expiryAddress)?.options ?? []
    const options = [...held, option]
    groups.set(expiryAddress, { expiry: expiryAddress, options, room: options.length + 2 })
  }
  for (const { underlying, lots, unsettledMicro } of holdings.perpetuals ?? []) {
    bookOf(grid.underlyingAddress(underlying)).perpetual = { lots, unsettledMicro }
  }
  for (const { asset, underlying, amount } of holdings.collaterals) {
    const book = bookOf(grid.underlyingAddress(underlying))
    book.collaterals.push({ asset: grid.assetAddress(asset), amount })
  }
  let bytes = ACCOUNT_BYTES
  for (const { groups, collaterals } of books.values()) {
    bytes += BOOK_BYTES + collaterals.length * COLLATERAL_BYTES
    for (const { room } of groups.values()) bytes += GROUP_BYTES + room * POSITION_BYTES
  }
  return { cashMicro: holdings.cashMicro, books: [...books.values()], bytes }
}

/** Views of one memory. */
export type Views = { i32: Int32Array; f64: Float64Array }

/** Writes an account's record: account, books, groups, then positions and collaterals. */
export function writeAccount(views: Views, address: number, plan: AccountPlan): void {
  const { i32, f64 } = views
  const { books } = plan
  f64.fill(0, address / 8, (address + plan.bytes) / 8)
  const firstBook = address + ACCOUNT_BYTES
  i32[address / 4 + 2 * ACCOUNT.books] = firstBook
  i32[address / 4 + 2 * ACCOUNT.books + 1] = books.length
  f64[address / 8 + ACCOUNT.cash] = plan.cashMicro
  const groupCount = books.reduce((sum, { groups }) => sum + groups.size, 0)
  let group = firstBook + books.length * BOOK_BYTES
  let free = group + groupCount * GROUP_BYTES
  for (const [i, book] of books.entries()) {
    const at = firstBook + i * BOOK_BYTES
    writeBook(views, at, { book, group, collaterals: free })
    free += book.collaterals.length * COLLATERAL_BYTES
    for (const planned of book.groups.values()) {
      writeGroup(views, group, { group: planned, positions: free })
      group += GROUP_BYTES
      free += planned.room * POSITION_BYTES
    }
  }
}

function writeBook(
  { i32, f64 }: Views,
  at: number,
  { book, group, collaterals }: { book: BookPlan; group: number; collaterals: number },
): void {
  i32[at / 4 + 2 * BOOK.groups] = group
  i32[at / 4 + 2 * BOOK.groups + 1] = book.groups.size
  i32[at / 4 + 2 * BOOK.underlying] = book.underlying
  i32[at / 4 + 2 * BOOK.underlying + 1] = collaterals
  i32[at / 4 + 2 * BOOK.collaterals] = book.collaterals.length
  f64[at / 8 + BOOK.perpetualLots] = book.perpetual?.lots ?? 0
  f64[at / 8 + BOOK.unsettled] = book.perpetual?.unsettledMicro ?? 0
  for (const [i, { asset, amount }] of book.collaterals.entries()) {
    const item = collaterals + i * COLLATERAL_BYTES
    i32[item / 4] = asset
    f64[item / 8 + 1] = amount
  }
}

function writeGroup(
  { i32, f64 }: Views,
  at: number,
  { group, positions }: { group: GroupPlan; positions: number },
): void {
  i32[at / 4 + 2 * GROUP.expiry] = group.expiry
  i32[at / 4 + 2 * GROUP.expiry + 1] = positions
  i32[at / 4 + 2 * GROUP.positions] = group.options.length
  i32[at / 4 + 2 * GROUP.positions + 1] = group.room
  let gross = 0
  const net = new Map<number, number>()
  for (const [i, { instrument, lots }] of group.options.entries()) {
    const position = positions + i * POSITION_BYTES
    i32[position / 4] = instrument.row
    f64[position / 8 + 1] = lots
    gross += Math.abs(lots)
    const strike = Math.min(instrument.row, instrument.pairRow)
    net.set(strike, (net.get(strike) ?? 0) + lots)
  }
  let naked = 0
  for (const lots of net.values()) naked += Math.max(0, -lots)
  f64[at / 8 + GROUP.grossLots] = gross
  f64[at / 8 + GROUP.nakedLots] = naked
}
