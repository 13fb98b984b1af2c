import { assert } from '../protocol/assert.ts'
import { mulDivDown, mulDivUp, usd18, type Usd18 } from '../protocol/units.ts'
import { SECONDS_PER_YEAR } from './black76.ts'

const ONE_18 = 10n ** 18n
const ONE_36 = 10n ** 36n
/** Growth beyond e^64 is no interest but a mistake. */
const EXPONENT_MAX_36 = 64n * ONE_36

/** How the yearly rate follows utilisation, shares × 10^18. */
export type InterestModel = {
  /** Rate while nothing is borrowed. */
  base18: bigint
  /** Rise of the rate per 1.00 of utilisation. */
  slope18: bigint
  /** Utilisation above which the rate rises faster. */
  kink18: bigint
  /** Rise per 1.00 of utilisation above the kink, instead of `slope18`. */
  steepSlope18: bigint
}

/** Interest of version 1: 2 % and 8 % of utilisation up to 85 %, then 90 % of what is above. */
export const INTEREST_MODEL: InterestModel = {
  base18: 20_000_000_000_000_000n,
  slope18: 80_000_000_000_000_000n,
  kink18: 850_000_000_000_000_000n,
  steepSlope18: 900_000_000_000_000_000n,
}

/** Share of interest that insurance takes in version 1, × 10^18. */
export const INTEREST_FEE_SHARE_18 = 200_000_000_000_000_000n

/** What is supplied to a pool of cash, and what of it is borrowed. */
export type CashPool = { supplied18: Usd18; borrowed18: Usd18 }

/**
 * Computes the share of supply that is borrowed.
 *
 * @param burned18 - Cash that settlements took out and that is still to come back, ≥ 0.
 * @returns × 10^18, rounded down; 0 for an empty pool.
 */
export function utilisationDown(
  { supplied18, borrowed18 }: CashPool,
  burned18: bigint = 0n,
): bigint {
  const whole = supplied18 + burned18
  return whole === 0n ? 0n : mulDivDown(borrowed18, ONE_18, whole)
}

/** Computes the yearly rate that borrowers pay at a utilisation, × 10^18, rounded up. */
export function borrowRateUp(utilisation18: bigint, model: InterestModel): bigint {
  const { base18, slope18, kink18, steepSlope18 } = model
  const low = utilisation18 < kink18 ? utilisation18 : kink18
  const excess = utilisation18 - low
  return base18 + mulDivUp(low, slope18, ONE_18) + mulDivUp(excess, steepSlope18, ONE_18)
}

/**
 * Adds interest, compounded without end, to a pool: debts and supply grow by it, and insurance, which
 * is one of the suppliers, takes a share of it first. A supplier's balance then grows by
 * `supplied18` afterwards over (`supplied18` before + fee).
 *
 * @param options.rate18 - Yearly, × 10^18; see {@link borrowRateUp}.
 * @param options.seconds - Whole, ≥ 0, of a year of 365 days.
 * @param options.feeShare18 - Share of insurance, × 10^18.
 * @returns The pool afterwards and the fee, which is part of its supply, rounded down.
 */
export function accrueInterest(
  pool: CashPool,
  options: { rate18: bigint; seconds: bigint; feeShare18: bigint },
): CashPool & { interest18: Usd18; fee18: Usd18 } {
  const { rate18, seconds, feeShare18 } = options
  assert(rate18 >= 0n && seconds >= 0n, 'a rate and a time are not negative')
  assert(feeShare18 >= 0n && feeShare18 <= ONE_18, 'a share is at most 1')
  const exponent36 = (rate18 * ONE_18 * seconds) / BigInt(SECONDS_PER_YEAR)
  const interest = mulDivUp(pool.borrowed18, growth36(exponent36), ONE_36)
  return {
    supplied18: usd18(pool.supplied18 + interest),
    borrowed18: usd18(pool.borrowed18 + interest),
    interest18: usd18(interest),
    fee18: usd18(mulDivDown(interest, feeShare18, ONE_18)),
  }
}

/** e^x − 1 × 10^36 from its series, a few units too small. */
function growth36(exponent36: bigint): bigint {
  assert(exponent36 <= EXPONENT_MAX_36, 'interest grows by e^64 at most')
  let sum = 0n
  let term = ONE_36
  for (let n = 1n; term > 0n; n++) {
    term = (term * exponent36) / (ONE_36 * n)
    sum += term
  }
  return sum
}
