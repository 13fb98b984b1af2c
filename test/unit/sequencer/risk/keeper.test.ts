import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import type { RiskVersion } from '../../../../sdk/protocol/entry.ts'
import type { FeedUpdate } from '../../../../sdk/protocol/feeds.ts'
import type { AccountId } from '../../../../sdk/protocol/ids.ts'
import { KIND, packInstrumentId, packRiskKey, RIGHT } from '../../../../sdk/protocol/ids.ts'
import { marketOf, parametersOf, portfolioOf } from '../../../../sdk/risk/ledger.ts'
import { computeMargin } from '../../../../sdk/risk/margin.ts'
import type { HubPortfolio } from '../../../../sequencer/shell/risk/hub-books.ts'
import { RiskKeeper } from '../../../../sequencer/shell/risk/keeper.ts'
import { holdingsOf } from '../../../../sequencer/shell/risk/portfolio.ts'
import type { RoundMargin } from '../../../../sequencer/shell/risk/worker/results.ts'

const NOW_MS = 1_800_000_000_000
const EXPIRY_S = NOW_MS / 1000 + 30 * 86_400
const ONE_18 = 10n ** 18n
const ASSETS = [{ id: 1 }, { id: 2, underlying: 1 }]
const NETWORK = { assets: ASSETS, underlyings: [{ id: 1, symbol: 'BTC' }] } as never

const put = (strike: bigint, expiryS = EXPIRY_S) =>
  packInstrumentId(
    9021,
    packRiskKey({
      underlying: 1,
      kind: KIND.option,
      expiryS,
      strike8: strike * 10n ** 8n,
      right: RIGHT.put,
    }),
  )
const account = (i: number): AccountId => `0x${i.toString(16).padStart(64, '0')}`
const short = (strike: bigint, expiryS?: number): HubPortfolio => ({
  positions: new Map([[put(strike, expiryS), -ONE_18]]),
  claims: new Map([
    [1, 20_000n * ONE_18],
    [2, ONE_18 / 4n],
  ]),
})
const update = (spot: bigint, sequence: bigint): FeedUpdate => ({
  underlying: 1,
  sequence,
  timestampMs: NOW_MS,
  spot8: spot * 10n ** 8n,
  spotConfidence4: 10_000,
  stable8: 10n ** 8n,
  expiries: [
    {
      expiryS: EXPIRY_S,
      forward8: (spot + 100n) * 10n ** 8n,
      rate6: 0,
      a9: 10_000_000n,
      b9: 40_000_000n,
      rho9: -300_000_000n,
      m9: 0n,
      s9: 100_000_000n,
      tauS: 30 * 86_400,
      confidence4: 10_000,
    },
  ],
})

const open: RiskKeeper[] = []
afterEach(async () => {
  for (const keeper of open.splice(0)) await keeper.stop()
})

function start(
  portfolios: Map<AccountId, HubPortfolio>,
  first = { marksSeq: 1n, updates: [update(76_000n, 1n)] },
) {
  const versions: RiskVersion[] = []
  const seen: ReadonlyMap<AccountId, RoundMargin>[] = []
  let current: RiskVersion = { marksSeq: 0n, paramsVersion: 0 }
  const keeper = new RiskKeeper({
    network: NETWORK,
    books: {
      portfolio: async (name) => portfolios.get(name)!,
      marks: async () => first,
      settlements: async () => [],
    },
    parameters: parametersOf(ASSETS),
    workers: 1,
    nowMs: () => NOW_MS,
    version: () => current,
    putInForce: async (risk) => {
      current = risk
      versions.push(risk)
    },
    accounts: async () => [...portfolios.keys()],
    look: async (margins) => void seen.push(margins),
    log: pino({ level: 'silent' }),
  })
  open.push(keeper)
  keeper.start()
  return { keeper, versions, seen }
}

function exact(held: HubPortfolio, spot: bigint): number {
  const market = marketOf([update(spot, 1n)], ASSETS, NOW_MS / 1000)
  const portfolio = portfolioOf(holdingsOf(held), ASSETS)
  return computeMargin(portfolio, market, parametersOf(ASSETS)).maintenanceUsd * 1e6
}

test('marks take effect once every account rests on them, and the newest of several alone', async () => {
  const portfolios = new Map([[account(1), short(70_000n)]])
  const { keeper, versions, seen } = start(portfolios)
  expect((await keeper.marks()).marksSeq).toBe(1n)
  keeper.note([{ marksSeq: 2n, update: update(75_000n, 2n) }], [])
  keeper.note([{ marksSeq: 3n, update: update(60_000n, 3n) }], [])
  await vi.waitFor(() => expect(keeper.inForce?.marksSeq).toBe(3n), 5_000)
  await vi.waitFor(() => expect(seen.length).toBe(2), 5_000)
  expect(versions).toEqual([
    { marksSeq: 1n, paramsVersion: 1 },
    { marksSeq: 3n, paramsVersion: 1 },
  ])
  const margins = seen.map((margin) => margin.get(account(1))?.maintenanceMicro)
  const expected = [76_000n, 60_000n].map((spot) => exact(short(70_000n), spot))
  for (const [i, margin] of margins.entries()) expect(margin).toBeCloseTo(expected[i]!, -1)
})

test('accounts beyond the workers’ room, and changed ones, are margined all the same', async () => {
  const portfolios = new Map(
    Array.from({ length: 250 }, (_, i) => [account(i + 1), short(70_000n)] as const),
  )
  const { keeper, seen } = start(portfolios)
  await vi.waitFor(() => expect(seen.length).toBe(1), 10_000)
  for (let i = 250; i < 700; i++) portfolios.set(account(i + 1), short(60_000n + BigInt(i % 40)))
  portfolios.set(account(1), short(50_000n))
  keeper.note([], portfolios.keys())
  await vi.waitFor(() => expect(seen.length).toBe(2), 10_000)
  expect(seen[1]?.size).toBe(700)
  const changed = seen[1]?.get(account(1))?.maintenanceMicro
  expect(changed).toBeCloseTo(exact(short(50_000n), 76_000n), -1)
})

test('before the first marks a version without any is in force at once, and the first take effect', async () => {
  const portfolios = new Map([[account(1), short(70_000n)]])
  const { keeper, versions, seen } = start(portfolios, { marksSeq: 0n, updates: [] })
  expect(await keeper.marks()).toEqual({ marksSeq: 0n, updates: [] })
  keeper.note([{ marksSeq: 1n, update: update(76_000n, 1n) }], [])
  await vi.waitFor(() => expect(seen.at(-1)?.size).toBe(1), 4_000)
  expect(versions.map(({ marksSeq }) => marksSeq)).toEqual([0n, 1n])
})

test('an account whose expiry has no marks is left out, and takes nothing from the others', async () => {
  const portfolios = new Map([
    [account(1), short(70_000n)],
    [account(2), short(70_000n, EXPIRY_S + 86_400)],
  ])
  const { keeper, seen } = start(portfolios)
  await keeper.marks()
  await vi.waitFor(() => expect(seen.length).toBe(1), 5_000)
  expect([...seen[0]!.keys()]).toEqual([account(1)])
})
