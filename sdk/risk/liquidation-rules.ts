import { assert } from '../protocol/assert.ts'
import { type Usd18, mulDivDown, mulDivUp, usd18 } from '../protocol/units.ts'
import {
  type AuctionParameters,
  type Fraction18,
  type LiquidationState,
  type MarginBalances,
  ONE_18,
  bufferMargin,
  isBidLargeEnough,
} from './liquidation.ts'

/** Rules that keep liquidations from being drawn out, repeated or milked. */
export type ConductParameters = {
  /** Longest grace of a margin call, milliseconds. */
  graceMsMax: number
  /** An auction that starts again within this time goes on where it stopped, milliseconds. */
  resumeMs: number
  /** Leaving a margin call asks for a buffer margin of this share of the requirement. */
  clearShare18: Fraction18
  /** Share of every bid that goes to insurance. */
  insuranceShare18: Fraction18
  /** Most that insurance pays for one account in a day. */
  insurancePerAccountDay18: Usd18
  /** Most that insurance pays for all accounts in an epoch. */
  insurancePerEpoch18: Usd18
}

/** Conduct of version 1; the caps of insurance are governance's to set. */
export const CONDUCT_PARAMETERS: Omit<
  ConductParameters,
  'insurancePerAccountDay18' | 'insurancePerEpoch18'
> = {
  graceMsMax: 60_000,
  resumeMs: 3_600_000,
  clearShare18: 50_000_000_000_000_000n,
  insuranceShare18: 10_000_000_000_000_000n,
}

/**
 * Computes how long a called account has before its sale may start: the time in which a price at three
 * deviations crosses what is left of maintenance margin, at most a minute.
 *
 * A price wanders over a distance in a time that grows with the distance squared: at the call line
 * the grace is whole, and with M at 0 there is none.
 *
 * @returns Milliseconds, rounded down, in `[0, graceMsMax]`.
 */
export function graceMsDown(
  { maintenance18, equity18 }: Omit<MarginBalances, 'initial18'>,
  auction: AuctionParameters,
  conduct: Pick<ConductParameters, 'graceMsMax'>,
): number {
  if (maintenance18 <= 0n) return 0
  const line = (equity18 - maintenance18) * (auction.callLine18 - ONE_18)
  const left = maintenance18 * ONE_18
  if (left >= line) return conduct.graceMsMax
  const once = mulDivDown(BigInt(conduct.graceMsMax), left, line)
  return Number(mulDivDown(once, left, line))
}

/** Says whether a margin call ends: the buffer margin is at least its share of the requirement. */
export function leavesCall(
  balances: Omit<MarginBalances, 'initial18'>,
  auction: AuctionParameters,
  { clearShare18 }: Pick<ConductParameters, 'clearShare18'>,
): boolean {
  const requirement18 = balances.equity18 - balances.maintenance18
  return bufferMargin(balances, auction.buffer18) * ONE_18 >= requirement18 * clearShare18
}

/**
 * Gives the time on an auction's clock when it starts: what it had run before if it resumes, else 0.
 *
 * @param before - When the account's last auction started and ended, if it had one.
 */
export function auctionElapsedMs(
  before: { startedMs: number; finishedMs: number } | undefined,
  nowMs: number,
  { resumeMs }: Pick<ConductParameters, 'resumeMs'>,
): number {
  if (before === undefined || nowMs >= before.finishedMs + resumeMs) return 0
  assert(before.finishedMs >= before.startedMs, 'an auction ends after it started')
  return before.finishedMs - before.startedMs
}

/** What a bid pays to insurance besides its price, USD × 10^18, rounded up. */
export function insuranceFeeUp(
  bid18: Usd18,
  { insuranceShare18 }: Pick<ConductParameters, 'insuranceShare18'>,
): Usd18 {
  return usd18(mulDivUp(bid18, insuranceShare18, ONE_18))
}

/** A bid for a part of an account. */
export type Bid = {
  owner: string
  bidder: string
  fraction18: Fraction18
  /** Largest fraction that may be sold now. */
  largest18: Fraction18
  /** Cash of the bidder and what the bid asks for. */
  cash18: Usd18
  cashNeeded18: Usd18
}

/** Why a bid is refused, in order of precedence. */
export type BidStatus =
  | 'ok'
  | 'account_not_in_auction'
  | 'bidder_is_owner'
  | 'fraction_out_of_range'
  | 'cash_too_low'

/**
 * Judges a bid: in an insolvent account's auction the owner may not buy itself out at the cost of
 * insurance, and a bid takes at least a tenth of what may be sold, or all of it.
 */
export function bidStatus(
  bid: Bid,
  state: LiquidationState,
  auction: AuctionParameters,
): BidStatus {
  if (state !== 'AUCTION' && state !== 'INSOLVENT') return 'account_not_in_auction'
  if (state === 'INSOLVENT' && bid.bidder === bid.owner) return 'bidder_is_owner'
  if (!isBidLargeEnough(bid.fraction18, bid.largest18, auction)) return 'fraction_out_of_range'
  if (bid.cash18 < bid.cashNeeded18) return 'cash_too_low'
  return 'ok'
}

/**
 * Computes what insurance pays of what is asked, within its caps and what it has.
 *
 * @param paid - What it has paid for this account today, and for all in this epoch.
 * @returns USD × 10^18, in `[0, asked18]`.
 */
export function insurancePayoutDown(
  asked18: Usd18,
  insurance18: Usd18,
  paid: { accountDay18: Usd18; epoch18: Usd18 },
  conduct: Pick<ConductParameters, 'insurancePerAccountDay18' | 'insurancePerEpoch18'>,
): Usd18 {
  const room = [
    asked18,
    insurance18,
    conduct.insurancePerAccountDay18 - paid.accountDay18,
    conduct.insurancePerEpoch18 - paid.epoch18,
  ].reduce((least, value) => (value < least ? value : least))
  return usd18(room > 0n ? room : 0n)
}

/**
 * Says whether withdrawals wait: insolvent accounts in auction lack more than insurance has.
 *
 * @param maintenance18 - M of each insolvent account in auction.
 */
export function withdrawalsBlocked(maintenance18: readonly Usd18[], insurance18: Usd18): boolean {
  const missing = maintenance18.reduce((sum, m) => sum + (m < 0n ? -m : m), 0n)
  return missing > insurance18
}
