import { assert } from './assert.ts'

declare const unit: unique symbol

/** US dollars in micro-dollars: `1_000_000n` is $1. Range in the core: |x| < 2^53. */
export type Usd6 = bigint & { readonly [unit]: 'usd6' }

/** US dollars with 18 decimals, as contracts keep them. */
export type Usd18 = bigint & { readonly [unit]: 'usd18' }

/** A token amount in the pool's 18 decimals, whatever the token's own are. */
export type Amount18 = bigint & { readonly [unit]: 'amount18' }

/** A token amount in the token's own decimals on one chain. */
export type TokenAmount = bigint & { readonly [unit]: 'tokenAmount' }

/** A position or trade size in contracts with 18 decimals, signed: short is negative. */
export type Size18 = bigint & { readonly [unit]: 'size18' }

/** Decimals of every amount in the ledger of the pool. */
export const LEDGER_DECIMALS = 18

/** Brands a bigint as micro-dollars. */
export const usd6 = (value: bigint): Usd6 => value as Usd6

/** Brands a bigint as dollars with 18 decimals. */
export const usd18 = (value: bigint): Usd18 => value as Usd18

/** Brands a bigint as a ledger amount with 18 decimals. */
export const amount18 = (value: bigint): Amount18 => value as Amount18

/** Brands a bigint as an amount in a token's own decimals. */
export const tokenAmount = (value: bigint): TokenAmount => value as TokenAmount

/** Brands a bigint as a size in contracts with 18 decimals. */
export const size18 = (value: bigint): Size18 => value as Size18

/**
 * Converts a token's own decimals to the ledger's 18: exact.
 *
 * @param decimals - The token's decimals, 0 to 18; a token with more is refused by the pool.
 */
export function toLedger(amount: TokenAmount, decimals: number): Amount18 {
  assertDecimals(decimals)
  return amount18(amount * 10n ** BigInt(LEDGER_DECIMALS - decimals))
}

/** Converts a ledger amount to a token's own decimals, rounded down: for what a user receives. */
export function toTokenDown(amount: Amount18, decimals: number): TokenAmount {
  assertDecimals(decimals)
  assert(amount >= 0n, 'ledger amount to convert is non-negative')
  return tokenAmount(amount / 10n ** BigInt(LEDGER_DECIMALS - decimals))
}

/** Computes `x * y / d`, rounded down: use it for what a user receives. */
export function mulDivDown(x: bigint, y: bigint, d: bigint): bigint {
  assert(x >= 0n && y >= 0n, 'mulDivDown operands non-negative')
  assert(d > 0n, 'mulDivDown divisor positive')
  return (x * y) / d
}

/** Computes `x * y / d`, rounded up: use it for what a user owes. */
export function mulDivUp(x: bigint, y: bigint, d: bigint): bigint {
  assert(x >= 0n && y >= 0n, 'mulDivUp operands non-negative')
  assert(d > 0n, 'mulDivUp divisor positive')
  return (x * y + (d - 1n)) / d
}

function assertDecimals(decimals: number): void {
  assert(
    Number.isInteger(decimals) && decimals >= 0 && decimals <= LEDGER_DECIMALS,
    'token decimals are an integer from 0 to 18',
  )
}
