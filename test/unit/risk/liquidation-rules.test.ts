import { describe, expect, test } from 'vitest'
import { usd18 } from '../../../sdk/protocol/units.ts'
import { AUCTION_PARAMETERS, ONE_18 } from '../../../sdk/risk/liquidation.ts'
import {
  type Bid,
  CONDUCT_PARAMETERS,
  auctionElapsedMs,
  bidStatus,
  graceMsDown,
  insuranceFeeUp,
  insurancePayoutDown,
  leavesCall,
  withdrawalsBlocked,
} from '../../../sdk/risk/liquidation-rules.ts'
import {
  type Counterparty,
  deleveragingOrder,
  socialiseUp,
  spreadLoss,
} from '../../../sdk/risk/loss-waterfall.ts'

const usd = (dollars: number) => usd18(BigInt(Math.round(dollars * 1e6)) * 10n ** 12n)
const balances = (equity: number, requirement: number) => ({
  equity18: usd(equity),
  maintenance18: usd(equity - requirement),
})

test('the grace of a call is a minute at the call line, falls with the square, and ends with M', () => {
  const grace = (equity: number) =>
    graceMsDown(balances(equity, 100), AUCTION_PARAMETERS, CONDUCT_PARAMETERS)
  expect(grace(120)).toBe(60_000)
  expect(grace(110)).toBe(60_000)
  expect(grace(105)).toBe(15_000)
  expect(grace(101)).toBe(600)
  expect(grace(100)).toBe(0)
  expect(grace(90)).toBe(0)
})

test('a call ends at a buffer of 5 % of the requirement', () => {
  const leaves = (equity: number) =>
    leavesCall(balances(equity, 100), AUCTION_PARAMETERS, CONDUCT_PARAMETERS)
  expect(leaves(119.999)).toBe(false)
  expect(leaves(120)).toBe(true)
})

test('an auction that starts again within the hour goes on where it stopped', () => {
  const before = { startedMs: 1_000, finishedMs: 31_000 }
  const elapsed = (nowMs: number) => auctionElapsedMs(before, nowMs, CONDUCT_PARAMETERS)
  expect(elapsed(40_000)).toBe(30_000)
  expect(elapsed(31_000 + 3_599_999)).toBe(30_000)
  expect(elapsed(31_000 + 3_600_000)).toBe(0)
  expect(auctionElapsedMs(undefined, 5, CONDUCT_PARAMETERS)).toBe(0)
})

test('a hundredth of every bid goes to insurance, rounded up', () => {
  expect(insuranceFeeUp(usd(250), CONDUCT_PARAMETERS)).toBe(usd(2.5))
  expect(insuranceFeeUp(usd18(1n), CONDUCT_PARAMETERS)).toBe(1n)
  expect(insuranceFeeUp(usd18(0n), CONDUCT_PARAMETERS)).toBe(0n)
})

describe('a bid', () => {
  const bid: Bid = {
    owner: 'a',
    bidder: 'b',
    fraction18: ONE_18 / 4n,
    largest18: ONE_18 / 2n,
    cash18: usd(10),
    cashNeeded18: usd(10),
  }
  const judge = (change: Partial<Bid>, state: Parameters<typeof bidStatus>[1] = 'AUCTION') =>
    bidStatus({ ...bid, ...change }, state, AUCTION_PARAMETERS)

  test('is taken in an auction, within the fraction, with the cash', () => {
    expect(judge({})).toBe('ok')
    expect(judge({}, 'CALL')).toBe('account_not_in_auction')
    expect(judge({ fraction18: ONE_18 / 21n })).toBe('fraction_out_of_range')
    expect(judge({ fraction18: ONE_18 / 2n + 1n })).toBe('fraction_out_of_range')
    expect(judge({ cash18: usd(9.99) })).toBe('cash_too_low')
  })

  test('of the owner counts while the account is solvent, not once insurance pays', () => {
    expect(judge({ bidder: 'a' })).toBe('ok')
    expect(judge({ bidder: 'a' }, 'INSOLVENT')).toBe('bidder_is_owner')
    expect(judge({ bidder: 'b' }, 'INSOLVENT')).toBe('ok')
  })
})

test('insurance pays within what it has, per account and day, and per epoch', () => {
  const caps = { insurancePerAccountDay18: usd(100), insurancePerEpoch18: usd(150) }
  const pays = (asked: number, has: number, day: number, epoch: number) =>
    insurancePayoutDown(usd(asked), usd(has), { accountDay18: usd(day), epoch18: usd(epoch) }, caps)
  expect(pays(40, 1_000, 0, 0)).toBe(usd(40))
  expect(pays(400, 1_000, 0, 0)).toBe(usd(100))
  expect(pays(400, 30, 0, 0)).toBe(usd(30))
  expect(pays(400, 1_000, 70, 0)).toBe(usd(30))
  expect(pays(400, 1_000, 0, 140)).toBe(usd(10))
  expect(pays(400, 1_000, 200, 0)).toBe(0n)
})

test('withdrawals wait while insolvent accounts lack more than insurance has', () => {
  expect(withdrawalsBlocked([usd(-60), usd(-40)], usd(100))).toBe(false)
  expect(withdrawalsBlocked([usd(-60), usd(-41)], usd(100))).toBe(true)
  expect(withdrawalsBlocked([], usd(0))).toBe(false)
})

const party = (account: string, profit: number, equity: number, gross: number): Counterparty => ({
  account,
  unrealisedProfit18: usd(profit),
  equity18: usd(equity),
  grossNotional18: usd(gross),
})

describe('a bad debt', () => {
  const parties = [
    party('calm', 10, 1_000, 1_000),
    party('levered', 50, 100, 1_000),
    party('losing', -5, 100, 9_000),
    party('broke', 5, 0, 9_000),
    party('twin', 10, 1_000, 1_000),
  ]

  test('reaches profits by rank: profit over equity times leverage, then by name', () => {
    const order = deleveragingOrder(parties).map(({ account }) => account)
    expect(order).toEqual(['levered', 'calm', 'twin'])
  })

  test('falls on insurance, then on ranked profits, then on everybody', () => {
    const spread = (debt: number, insurance: number) =>
      spreadLoss(usd(debt), usd(insurance), parties)
    expect(spread(30, 40)).toEqual({ insurance18: usd(30), deleveraged: [], socialised18: 0n })
    expect(spread(95, 40)).toEqual({
      insurance18: usd(40),
      deleveraged: [
        { account: 'levered', amount18: usd(50) },
        { account: 'calm', amount18: usd(5) },
      ],
      socialised18: 0n,
    })
    expect(spread(200, 40).socialised18).toBe(usd(200 - 40 - 70))
  })

  test('that is socialised is shared in proportion, to the last unit', () => {
    const shares = socialiseUp(usd18(7n), [usd18(3n), usd18(3n), usd18(3n)])
    expect(shares).toEqual([3n, 3n, 1n])
    expect(socialiseUp(usd18(99n), [usd18(3n), usd18(4n)])).toEqual([3n, 4n])
  })
})
