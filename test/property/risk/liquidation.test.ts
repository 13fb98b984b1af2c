import fc from 'fast-check'
import { expect, test } from 'vitest'
import { usd18 } from '../../../sdk/protocol/units.ts'
import { toUsd18Down, toUsd18Up } from '../../../sdk/risk/fixed-point.ts'
import {
  AUCTION_PARAMETERS,
  ONE_18,
  auctionShare,
  bidPriceUp,
  bufferMargin,
  insolventPayoutDown,
  largestFractionUp,
} from '../../../sdk/risk/liquidation.ts'
import { deleveragingOrder, socialiseUp, spreadLoss } from '../../../sdk/risk/loss-waterfall.ts'
import { runs } from './runs.ts'

const E18 = 10n ** 18n
const amount = fc.bigInt({ min: 1n, max: 10n ** 27n })
const seconds = fc.integer({ min: 0, max: 2_000 })

/** An account whose buffer margin is negative and that still has equity. */
const account = fc
  .tuple(amount, amount)
  .map(([equity, requirement]) => {
    const balances = { equity18: usd18(equity), maintenance18: usd18(equity - requirement) }
    const buffer18 = bufferMargin(balances, AUCTION_PARAMETERS.buffer18)
    return { buffer18, equity18: balances.equity18, reserved18: usd18(0n) }
  })
  .filter(({ buffer18 }) => buffer18 < 0n)

test('V13: selling the largest fraction brings the buffer margin back to 0, to the last units', () => {
  const property = fc.property(account, seconds, (given, atSeconds) => {
    const share = auctionShare(atSeconds, AUCTION_PARAMETERS)
    const fraction = largestFractionUp(given, share)
    expect(fraction > 0n && fraction <= ONE_18).toBe(true)
    const paid = bidPriceUp(given, fraction, share)
    const left = given.buffer18 - (given.buffer18 * fraction) / ONE_18
    const after = left + paid
    // A unit of the fraction is worth 10^-18 of what it is taken from.
    const unit = (given.equity18 - given.buffer18) / ONE_18 + 2n
    expect(after >= -unit && after <= 3n * unit).toBe(true)
  })
  fc.assert(property, runs(1_000))
})

test('V13: any smaller bid leaves the buffer margin better than its share of before', () => {
  const part = fc.bigInt({ min: 1n, max: E18 })
  const property = fc.property(account, seconds, part, (given, atSeconds, wanted) => {
    const share = auctionShare(atSeconds, AUCTION_PARAMETERS)
    const largest = largestFractionUp(given, share)
    const fraction = (largest * wanted) / E18
    const left = given.buffer18 - (given.buffer18 * fraction) / ONE_18
    const paid = bidPriceUp(given, fraction, share)
    expect(left + paid >= left).toBe(true)
    expect(left >= given.buffer18).toBe(true)
  })
  fc.assert(property, runs(1_000))
})

test('V14: the price of a bid lies between nothing and equity, and never rises with time', () => {
  const fraction = fc.bigInt({ min: 0n, max: E18 })
  const property = fc.property(account, fraction, seconds, seconds, (given, part, a, b) => {
    const at = (moment: number) => bidPriceUp(given, part, auctionShare(moment, AUCTION_PARAMETERS))
    const [early, late] = [Math.min(a, b), Math.max(a, b)]
    expect(at(early) >= at(late)).toBe(true)
    expect(at(late) >= 0n && at(early) <= given.equity18).toBe(true)
  })
  fc.assert(property, runs(1_000))
})

test('V14: the share falls with every second of an auction until it is 0', () => {
  const shares = Array.from({ length: 1_000 }, (_, i) => auctionShare(i, AUCTION_PARAMETERS))
  for (const [i, share] of shares.entries()) {
    const before = shares[i - 1] ?? E18
    expect({ i, falls: share < before || before === 0n }).toEqual({ i, falls: true })
  }
})

test('V14: the payout of an insolvent account lies between its debt and its deficit, and never falls', () => {
  const property = fc.property(amount, amount, seconds, seconds, (debt, deficit, a, b) => {
    const equity18 = usd18(-debt)
    const maintenance18 = usd18(-debt - deficit)
    const at = (moment: number) =>
      insolventPayoutDown({ equity18, maintenance18 }, moment, AUCTION_PARAMETERS)
    const [early, late] = [Math.min(a, b), Math.max(a, b)]
    expect(at(early) <= at(late)).toBe(true)
    expect(at(early) >= debt && at(late) <= debt + deficit).toBe(true)
  })
  fc.assert(property, runs(1_000))
})

test('rounding down and up enclose the figure and are a unit apart at most', () => {
  const property = fc.property(fc.double({ noNaN: true, min: -1e30, max: 1e30 }), (figure) => {
    const [down, up] = [toUsd18Down(figure), toUsd18Up(figure)]
    expect(up - down === 0n || up - down === 1n).toBe(true)
    expect(Math.abs(Number(down) / 1e18 - figure)).toBeLessThanOrEqual(
      1e-18 + Math.abs(figure) * 3e-16,
    )
  })
  fc.assert(property, runs(2_000))
})

test('V15: a bad debt is borne exactly, by insurance first, by everybody last', () => {
  const party = fc.record({
    account: fc.string({ minLength: 1, maxLength: 4 }),
    unrealisedProfit18: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map(usd18),
    equity18: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map(usd18),
    grossNotional18: fc.bigInt({ min: 0n, max: 10n ** 26n }).map(usd18),
  })
  const parties = fc.uniqueArray(party, { maxLength: 8, selector: ({ account }) => account })
  const sum18 = fc.bigInt({ min: 0n, max: 10n ** 25n }).map(usd18)
  const property = fc.property(sum18, sum18, parties, (debt18, insurance18, given) => {
    const { deleveraged, socialised18, ...paid } = spreadLoss(debt18, insurance18, given)
    const reached = deleveraged.reduce((sum, { amount18 }) => sum + amount18, 0n)
    expect(paid.insurance18 + reached + socialised18).toBe(debt18)
    expect(paid.insurance18 <= insurance18).toBe(true)
    expect(socialised18 === 0n || paid.insurance18 === insurance18).toBe(true)
    const shuffled = deleveragingOrder(given.toReversed())
    expect(shuffled).toEqual(deleveragingOrder(given))
    for (const { account, amount18 } of deleveraged) {
      const profit = given.find((entry) => entry.account === account)?.unrealisedProfit18 ?? 0n
      expect(amount18 > 0n && amount18 <= profit).toBe(true)
    }
  })
  fc.assert(property, runs(500))
})

test('V15: a socialised loss is shared to the last unit, and no claim bears more than it has', () => {
  const claims = fc.array(amount.map(usd18), { minLength: 1, maxLength: 10 })
  const property = fc.property(amount.map(usd18), claims, (loss18, given) => {
    const shares = socialiseUp(loss18, given)
    const total = given.reduce((sum, claim) => sum + claim, 0n)
    expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(loss18 < total ? loss18 : total)
    expect(shares.every((share, i) => share >= 0n && share <= (given[i] ?? 0n))).toBe(true)
  })
  fc.assert(property, runs(500))
})
