import { assert } from '../protocol/assert.ts'
import { type Usd18, mulDivDown, mulDivUp, usd18 } from '../protocol/units.ts'

/** 1 as a fraction with 18 decimals. */
export const ONE_18 = 10n ** 18n

/** A fraction with 18 decimals: `ONE_18` is the whole. */
export type Fraction18 = bigint

/** Where an account stands between health and insolvency. */
export type LiquidationState = 'HEALTHY' | 'RESTRICTED' | 'CALL' | 'AUCTION' | 'INSOLVENT'

/** The three balances that decide an account's state, USD × 10^18, signed. */
export type MarginBalances = {
  /** I: equity less the initial requirement. */
  initial18: Usd18
  /** M: equity less the maintenance requirement. */
  maintenance18: Usd18
  /** E. */
  equity18: Usd18
}

/** How auctions run. */
export type AuctionParameters = {
  /** b: what the buffer margin asks above maintenance, as a share of the requirement. */
  buffer18: Fraction18
  /** d(0): share of equity that a bid pays at the start. */
  startShare18: Fraction18
  /** d at the end of the fast phase. */
  slowShare18: Fraction18
  /** Length of the fast phase in seconds. */
  fastSeconds: number
  /** Seconds from the end of the fast phase until the share is 0. */
  slowSeconds: number
  /** Seconds over which insurance raises its payout of an insolvent account. */
  insolventSeconds: number
  /** A bid takes at least this share of the largest fraction, or all of it. */
  smallestBidShare18: Fraction18
  /** A margin call starts when equity is below this many times the maintenance requirement. */
  callLine18: Fraction18
}

/** Auction parameters of version 1: 98 % to 80 % in a minute, then to 0 by the fifteenth. */
export const AUCTION_PARAMETERS: AuctionParameters = {
  buffer18: 150_000_000_000_000_000n,
  startShare18: 980_000_000_000_000_000n,
  slowShare18: 800_000_000_000_000_000n,
  fastSeconds: 60,
  slowSeconds: 840,
  insolventSeconds: 900,
  smallestBidShare18: 100_000_000_000_000_000n,
  callLine18: 1_100_000_000_000_000_000n,
}

/**
 * Says in which state an account is.
 *
 * HEALTHY: I ≥ 0. RESTRICTED: I < 0, only risk may fall. CALL: equity is below 1.1 times the
 * maintenance requirement. AUCTION: M < 0. INSOLVENT: M < 0 and nothing is left, E ≤ 0.
 */
export function liquidationState(
  { initial18, maintenance18, equity18 }: MarginBalances,
  parameters: AuctionParameters = AUCTION_PARAMETERS,
): LiquidationState {
  if (maintenance18 < 0n) return equity18 <= 0n ? 'INSOLVENT' : 'AUCTION'
  const requirement18 = equity18 - maintenance18
  const belowCallLine = equity18 * ONE_18 < requirement18 * parameters.callLine18
  if (belowCallLine) return 'CALL'
  return initial18 < 0n ? 'RESTRICTED' : 'HEALTHY'
}

/**
 * Computes the buffer margin BM = M − b(E − M): what an auction must bring back to 0.
 *
 * @returns USD × 10^18, signed, rounded down.
 */
export function bufferMargin(
  { maintenance18, equity18 }: Omit<MarginBalances, 'initial18'>,
  buffer18: Fraction18,
): Usd18 {
  const requirement18 = equity18 - maintenance18
  assert(requirement18 >= 0n, 'a maintenance requirement is not negative')
  return usd18(maintenance18 - mulDivUp(requirement18, buffer18, ONE_18))
}

/**
 * Gives d(t), the share of equity that a bid pays: it falls fast at first, then slowly to 0.
 *
 * @param seconds - Since the auction began, ≥ 0.
 * @returns In `[0, startShare18]`, never rising in time.
 */
export function auctionShare(seconds: number, parameters: AuctionParameters): Fraction18 {
  const { startShare18, slowShare18, fastSeconds, slowSeconds } = parameters
  assert(Number.isInteger(seconds) && seconds >= 0, 'an auction runs for whole seconds, 0 or more')
  if (seconds < fastSeconds) {
    const fallen = ((startShare18 - slowShare18) * BigInt(seconds)) / BigInt(fastSeconds)
    return startShare18 - fallen
  }
  const left = slowSeconds - (seconds - fastSeconds)
  return left <= 0 ? 0n : (slowShare18 * BigInt(left)) / BigInt(slowSeconds)
}

/** An account under auction, USD × 10^18. */
export type Auctioned = {
  /** BM, < 0. */
  buffer18: Usd18
  /** E, > 0. */
  equity18: Usd18
  /** R: cash that earlier bids of this auction paid in; it is not sold again. ≥ 0. */
  reserved18: Usd18
}

/**
 * Computes f_max = BM / (BM − d·E − (1 − d)R): the share of an account whose sale brings its
 * buffer margin back to 0.
 *
 * @returns In `[0, 1]`, rounded up, so that BM is not below 0 by rounding; 0 when BM ≥ 0.
 */
export function largestFractionUp(account: Auctioned, share18: Fraction18): Fraction18 {
  const { buffer18, equity18, reserved18 } = account
  if (buffer18 >= 0n) return 0n
  assert(equity18 > 0n && reserved18 >= 0n, 'an account under auction has equity')
  const deficit = 0n - buffer18
  const kept = mulDivDown(ONE_18 - share18, reserved18, ONE_18)
  const paid = mulDivDown(share18, equity18, ONE_18)
  const fraction = mulDivUp(deficit, ONE_18, deficit + paid + kept)
  return fraction < ONE_18 ? fraction : ONE_18
}

/**
 * Computes what a bidder pays for a share of an account: f · d · (E − R).
 *
 * @returns USD × 10^18, rounded up, in `[0, E]`.
 */
export function bidPriceUp(account: Auctioned, fraction18: Fraction18, share18: Fraction18): Usd18 {
  const sold = account.equity18 - account.reserved18
  if (sold <= 0n) return usd18(0n)
  return usd18(mulDivUp(mulDivUp(sold, share18, ONE_18), fraction18, ONE_18))
}

/**
 * Computes the cash a bidder must hold: the price, and the buffer of what he takes over.
 *
 * @returns USD × 10^18, rounded up.
 */
export function bidderCashUp(
  account: Auctioned,
  fraction18: Fraction18,
  share18: Fraction18,
): Usd18 {
  const gap = account.buffer18 - account.reserved18
  const size = gap < 0n ? -gap : gap
  return usd18(bidPriceUp(account, fraction18, share18) + mulDivUp(size, fraction18, ONE_18))
}

/** Says whether a bid is large enough: at least a tenth of the largest fraction, or all of it. */
export function isBidLargeEnough(
  fraction18: Fraction18,
  largest18: Fraction18,
  parameters: AuctionParameters,
): boolean {
  if (fraction18 <= 0n || fraction18 > largest18) return false
  return fraction18 >= mulDivUp(largest18, parameters.smallestBidShare18, ONE_18)
}

/**
 * Computes what insurance pays whoever takes over an insolvent account whole: −(E⁻ + (M − E⁻)·t/T).
 *
 * @returns USD × 10^18, ≥ 0, rising from the negative equity to the maintenance deficit.
 */
export function insolventPayoutDown(
  { maintenance18, equity18 }: Omit<MarginBalances, 'initial18'>,
  seconds: number,
  parameters: AuctionParameters,
): Usd18 {
  assert(maintenance18 <= 0n, 'an insolvent account has no maintenance margin')
  const negative = equity18 < 0n ? 0n - equity18 : 0n
  const widest = 0n - maintenance18 - negative
  const elapsed = BigInt(Math.min(seconds, parameters.insolventSeconds))
  assert(widest >= 0n, 'a maintenance requirement is not negative')
  return usd18(negative + mulDivDown(widest, elapsed, BigInt(parameters.insolventSeconds)))
}
