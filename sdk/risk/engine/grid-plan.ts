import { assert } from '../../protocol/assert.ts'
import {
  ASSET_BYTES,
  EXPIRY_BYTES,
  GRID_BYTES,
  ROW_BYTES,
  UNDERLYING_BYTES,
} from '../kernel/layout.ts'

/** How much a grid of instruments can hold. */
export type GridCapacity = {
  underlyings: number
  /** Expiries of all underlyings together. */
  expiries: number
  /** Strikes of one expiry, even; call and put share a strike. */
  strikesPerExpiry: number
  assets: number
}

/** Where the parts of one copy of a grid stand, in bytes from its start. */
export type GridPlan = {
  capacity: GridCapacity
  underlyings: number
  assets: number
  expiries: number
  /** Bytes of one expiry: record, three columns of strikes, risk arrays. */
  expiryBytes: number
  /** Bytes of the whole copy, a multiple of 16. */
  bytes: number
}

/** Plans one copy of a grid. */
export function planGrid(capacity: GridCapacity): GridPlan {
  const { strikesPerExpiry } = capacity
  assert(
    strikesPerExpiry > 0 && strikesPerExpiry % 2 === 0,
    'an expiry has room for an even number of strikes',
  )
  const underlyings = round16(GRID_BYTES)
  const assets = underlyings + round16(capacity.underlyings * UNDERLYING_BYTES)
  const expiries = assets + round16(capacity.assets * ASSET_BYTES)
  const expiryBytes = round16(EXPIRY_BYTES + strikesPerExpiry * (24 + 2 * ROW_BYTES))
  const bytes = expiries + capacity.expiries * expiryBytes
  return { capacity, underlyings, assets, expiries, expiryBytes, bytes }
}

/** Rounds a number of bytes up to a multiple of 16. */
export function round16(bytes: number): number {
  return Math.ceil(bytes / 16) * 16
}
