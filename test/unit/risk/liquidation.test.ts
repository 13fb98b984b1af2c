import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  AUCTION_PARAMETERS,
  ONE_18,
  auctionShare,
  bidPriceUp,
  bidderCashUp,
  bufferMargin,
  insolventPayoutDown,
  isBidLargeEnough,
  largestFractionUp,
  liquidationState,
} from '../../../sdk/risk/liquidation.ts'
import { usd18 } from '../../../sdk/protocol/units.ts'
import { outsideFile, vectors } from '../../outside.ts'

const E18 = 10n ** 18n
const usd = (dollars: number) => usd18(BigInt(Math.round(dollars * 1e6)) * 10n ** 12n)

describe('states', () => {
  const state = (equity: number, initial: number, maintenance: number) =>
    liquidationState({
      equity18: usd(equity),
      initial18: usd(equity - initial),
      maintenance18: usd(equity - maintenance),
    })

  test('go from health to insolvency as equity falls', () => {
    expect(state(130, 120, 100)).toBe('HEALTHY')
    expect(state(120, 120, 100)).toBe('HEALTHY')
    expect(state(119, 120, 100)).toBe('RESTRICTED')
    expect(state(110, 120, 100)).toBe('RESTRICTED')
    expect(state(109.9, 120, 100)).toBe('CALL')
    expect(state(100, 120, 100)).toBe('CALL')
    expect(state(99.9, 120, 100)).toBe('AUCTION')
    expect(state(0, 120, 100)).toBe('INSOLVENT')
    expect(state(-5, 120, 100)).toBe('INSOLVENT')
  })

  test('an account without risk is healthy, with or without money', () => {
    expect(state(0, 0, 0)).toBe('HEALTHY')
    expect(state(10, 0, 0)).toBe('HEALTHY')
  })
})

type Auction = {
  Actions: {
    Time: number
    Liquidator: { PercentWant: number }
    Results: Record<string, number>
  }[]
}

const path = outsideFile(vectors, 'derive_liquidation_auctions.json', 3)
const auctions: [string, Auction][] =
  path === undefined
    ? []
    : Object.entries(
        (JSON.parse(readFileSync(path, 'utf8')) as { data: Record<string, Auction> }).data,
      )

describe.skipIf(auctions.length === 0)('worked auctions', () => {
  // The source's auctions fall over 100 s here, and its buffer is a fifth.
  const parameters = { ...AUCTION_PARAMETERS, fastSeconds: 100, buffer18: E18 / 5n }
  const near = (actual: bigint, expected: number) => {
    const difference = actual - BigInt(expected)
    expect(difference < 0n ? -difference : difference).toBeLessThan(1_000_000n)
  }

  test.each(auctions)('%s', (_name, { Actions: [action] }) => {
    if (action === undefined) throw new Error('an auction has an action')
    const { Time: seconds, Liquidator, Results: results } = action
    const figure = (name: string) => results[name] ?? NaN
    const share = auctionShare(seconds, parameters)
    const balances = {
      equity18: usd18(BigInt(figure('PreMtM'))),
      maintenance18: usd18(BigInt(figure('PreMM'))),
    }
    const buffer18 = bufferMargin(balances, parameters.buffer18)
    near(buffer18, figure('PreBM'))
    const account = { buffer18, equity18: balances.equity18, reserved18: usd18(0n) }
    const largest = largestFractionUp(account, share)
    near(largest, figure('PreFMax'))
    expect(largest > 0n && largest <= ONE_18).toBe(true)

    const wanted = BigInt(Liquidator.PercentWant)
    const taken = wanted < largest ? wanted : largest
    near(taken, figure('FinalPercentageReceived'))
    const paid = bidPriceUp(account, taken, share)
    near(paid, figure('ExpectedBidPrice'))

    const left = (value: bigint) => value - (value * taken) / ONE_18
    const after = {
      buffer18: usd18(left(buffer18) + paid),
      equity18: usd18(left(balances.equity18) + paid),
      reserved18: paid,
    }
    near(after.equity18, figure('PostMtM'))
    near(after.buffer18, figure('PostBM'))
    // What rounding left below 0 is no deficit.
    const more = after.buffer18 < -1_000_000n ? largestFractionUp(after, share) : 0n
    near(more, figure('PostFMax'))
  })
})

test('the share falls from 98 % to 80 % in a minute and to 0 by the fifteenth', () => {
  const at = (seconds: number) => Number(auctionShare(seconds, AUCTION_PARAMETERS)) / 1e18
  expect(at(0)).toBe(0.98)
  expect(at(30)).toBeCloseTo(0.89, 12)
  expect(at(60)).toBe(0.8)
  expect(at(480)).toBeCloseTo(0.4, 12)
  expect(at(900)).toBe(0)
  expect(at(10_000)).toBe(0)
})

test('a bid is a tenth of what may be sold, or more, and never above it', () => {
  const allowed = (fraction: bigint) => isBidLargeEnough(fraction, E18 / 2n, AUCTION_PARAMETERS)
  expect(allowed(E18 / 20n)).toBe(true)
  expect(allowed(E18 / 20n - 1n)).toBe(false)
  expect(allowed(E18 / 2n)).toBe(true)
  expect(allowed(E18 / 2n + 1n)).toBe(false)
  expect(allowed(0n)).toBe(false)
})

test('a bidder must hold the price and the buffer of what he takes over', () => {
  const account = { buffer18: usd(-100), equity18: usd(50), reserved18: usd(0) }
  const cash = bidderCashUp(account, E18 / 2n, (E18 * 9n) / 10n)
  expect(cash).toBe(usd(0.5 * 0.9 * 50 + 50))
})

test('insurance pays more of an insolvent account the longer nobody takes it', () => {
  const account = { equity18: usd(-10), maintenance18: usd(-100) }
  const at = (seconds: number) => insolventPayoutDown(account, seconds, AUCTION_PARAMETERS)
  expect(at(0)).toBe(usd(10))
  expect(at(450)).toBe(usd(55))
  expect(at(900)).toBe(usd(100))
  expect(at(9_000)).toBe(usd(100))
})
