import { expect, test } from 'vitest'
import type { FeedUpdate } from '../../../sdk/protocol/feeds.ts'
import { KIND, RIGHT, packRiskKey } from '../../../sdk/protocol/ids.ts'
import { amount18, size18 } from '../../../sdk/protocol/units.ts'
import { marketOf, parametersOf, portfolioOf } from '../../../sdk/risk/ledger.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'

const ASSETS = [{ id: 1 }, { id: 2, underlying: 2 }]
const E18 = 10n ** 18n
const NOW_S = 1_790_000_000
const EXPIRY_S = NOW_S + 30 * 86_400

const UPDATE: FeedUpdate = {
  underlying: 2,
  sequence: 1n,
  timestampMs: NOW_S * 1_000,
  spot8: 2_000_00000000n,
  spotConfidence4: 10_000,
  stable8: 99_900_000n,
  expiries: [
    {
      expiryS: EXPIRY_S,
      forward8: 2_010_00000000n,
      rate6: 50_000,
      a9: 10_000_000n,
      b9: 50_000_000n,
      rho9: -300_000_000n,
      m9: 10_000_000n,
      s9: 100_000_000n,
      tauS: 30 * 86_400,
      confidence4: 9_500,
    },
  ],
}

const key = packRiskKey({
  underlying: 2,
  kind: KIND.option,
  expiryS: EXPIRY_S,
  strike8: 2_200_00000000n,
  right: RIGHT.call,
})

test('equal series of different rollups net before they are margined', () => {
  const portfolio = portfolioOf(
    {
      claims: [
        { asset: 1, amount18: amount18(500n * E18) },
        { asset: 2, amount18: amount18(E18 / 2n) },
      ],
      positions: [
        { key, size18: size18(-3n * E18) },
        { key, size18: size18(1n * E18) },
      ],
      unsettledCash18: -20n * E18,
    },
    ASSETS,
  )
  expect(portfolio).toMatchObject({ cashUsd: 480, collaterals: [{ asset: 2, amount: 0.5 }] })
  expect(portfolio.options).toEqual([
    { underlying: 2, expiryS: EXPIRY_S, strikeUsd: 2_200, right: 'call', size: -2 },
  ])
  const flat = portfolioOf(
    { claims: [], positions: [1n, -1n].map((sign) => ({ key, size18: size18(sign * E18) })) },
    ASSETS,
  )
  expect(flat.options).toEqual([])
})

test('signed marks become a market in which the holdings can be margined', () => {
  const market = marketOf([UPDATE], ASSETS, NOW_S)
  expect(market.stableUsd).toBe(0.999)
  expect(market.collaterals).toEqual([{ asset: 2, priceUsd: 2_000, confidence: 1 }])
  expect(market.underlyings[0]?.expiries[0]).toMatchObject({
    secondsToExpiry: 30 * 86_400,
    forwardUsd: 2_010,
    ratePerYear: 0.05,
    volatilityConfidence: 0.95,
    surface: { a: 0.01, b: 0.05, rho: -0.3, m: 0.01, s: 0.1 },
  })
  const portfolio = portfolioOf(
    {
      claims: [{ asset: 2, amount18: amount18(E18) }],
      positions: [{ key, size18: size18(-E18) }],
    },
    ASSETS,
  )
  const margin = computeMargin(portfolio, market, parametersOf(ASSETS))
  expect(margin.initialUsd).toBeGreaterThan(0)
  expect(margin.equityUsd).toBeLessThan(2_000 / 0.999)
})

test('an expiry that left the feed is margined at its settlement price', () => {
  const settled = [{ underlying: 2, expiryS: NOW_S - 60, settlementUsd: 2_300 }]
  const market = marketOf([UPDATE], ASSETS, NOW_S, settled)
  const past = packRiskKey({
    underlying: 2,
    kind: KIND.option,
    expiryS: NOW_S - 60,
    strike8: 2_200_00000000n,
    right: RIGHT.call,
  })
  const portfolio = portfolioOf(
    { claims: [], positions: [{ key: past, size18: size18(E18) }] },
    ASSETS,
  )
  const margin = computeMargin(portfolio, market, parametersOf(ASSETS))
  expect(margin).toMatchObject({ equityUsd: 100, initialUsd: 100, maintenanceUsd: 100 })
})

test('holdings that margin does not know are refused', () => {
  const code = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      return (error as { code?: string }).code
    }
    return undefined
  }
  const foreign = { claims: [{ asset: 9, amount18: amount18(1n) }], positions: [] }
  expect(code(() => portfolioOf(foreign, ASSETS))).toBe('INVALID_PORTFOLIO')
  const perpetual = packRiskKey({
    underlying: 2,
    kind: KIND.perpetual,
    expiryS: 0,
    strike8: 0n,
    right: 0,
  })
  const strange = { claims: [], positions: [{ key: perpetual, size18: size18(E18) }] }
  expect(code(() => portfolioOf(strange, ASSETS))).toBe('INVALID_PORTFOLIO')
})
