import { afterEach, expect, test } from 'vitest'
import { openRiskEngine } from '../../../sdk/risk/engine/open-engine.ts'
import { BASE_PARAMETERS } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'
import type { Series } from '../../../sdk/risk/engine/grid.ts'
import type { EngineMargin } from '../../../sdk/risk/engine/accounts.ts'
import type { AccountId } from '../../../sdk/protocol/ids.ts'
import { RiskWorkers } from '../../../sequencer/shell/risk/workers.ts'
import { randomNumbers } from '../../bench/risk/population.ts'

const DAY_S = 86_400
const PARAMETERS = { ...BASE_PARAMETERS, version: 1, collaterals: [] }
const CAPACITY = {
  underlyings: 4,
  expiries: 12,
  strikesPerExpiry: 10,
  assets: 1,
  accounts: 200,
  accountBytes: 200 * 16_384,
}
const SETTLE_MS = 20_000

const opened: RiskWorkers[] = []
afterEach(async () => {
  for (const workers of opened.splice(0)) await workers.close()
})

function marks(move: number): RiskMarket {
  return {
    stableUsd: 1,
    underlyings: [1, 2].map((underlying) => ({
      underlying,
      spotUsd: 100 * underlying * move,
      spotConfidence: 1,
      expiries: [3, 30, 120, 365].map((days) => {
        const years = days / 365
        const variance = 0.5 * years
        return {
          expiryS: days * DAY_S,
          secondsToExpiry: days * DAY_S,
          forwardUsd: 101 * underlying * move,
          ratePerYear: 0.03,
          forwardConfidence: 1,
          rateConfidence: 1,
          volatilityConfidence: 1,
          surface: { a: variance / 2, b: variance, rho: -0.3, m: 0, s: 0.4, years },
        }
      }),
    })),
    collaterals: [],
  }
}

function population(seed: number) {
  const random = randomNumbers(seed)
  const series: Series[] = [1, 2].flatMap((underlying) =>
    [3, 30, 120, 365].flatMap((days) =>
      [70, 90, 100, 110, 150].map((strike) => ({
        underlying,
        expiryS: days * DAY_S,
        strikeUsd: strike * underlying,
        right: random() < 0.5 ? ('call' as const) : ('put' as const),
      })),
    ),
  )
  const accounts = Array.from({ length: 150 }, (_, i) => {
    const account: AccountId = `0x${i.toString(16).padStart(64, '0')}`
    const held = series.filter(() => random() < 0.3)
    const options = held.map((item) => ({
      series: item,
      lots: Math.round((random() - 0.5) * 100_000),
    }))
    return { account, holdings: { cashMicro: i * 1_000_000, options, collaterals: [] } }
  })
  return { series, accounts }
}

/** Margins on one thread, without workers. */
function alone({ series, accounts }: ReturnType<typeof population>, market: RiskMarket) {
  const engine = openRiskEngine({ parameters: PARAMETERS, capacity: CAPACITY })
  for (const item of series) engine.grid.instrument(item)
  for (const { account, holdings } of accounts) {
    const options = holdings.options.map(({ series: item, lots }) => ({
      instrument: engine.grid.instrument(item),
      lots,
    }))
    engine.accounts.set(account, { ...holdings, options })
  }
  engine.grid.mark(0, market)
  engine.accounts.mark(0)
  return new Map(accounts.map(({ account }) => [account, engine.accounts.margin(account)] as const))
}

async function together(
  workers: number,
  { series, accounts }: ReturnType<typeof population>,
  market: RiskMarket,
): Promise<Map<AccountId, EngineMargin | undefined>> {
  const pool = new RiskWorkers({
    workers,
    parameters: PARAMETERS,
    underlyings: [1, 2],
    capacity: CAPACITY,
  })
  opened.push(pool)
  pool.list(series)
  pool.set(accounts)
  // Marks that come faster than rounds are conflated: the last count.
  for (let i = 0; i < 300; i++) pool.markAll(marks(1 + i / 1_000))
  pool.markAll(market)
  expect(await pool.settled(SETTLE_MS)).toBe(true)
  return new Map(
    accounts.map(({ account }) => {
      const margin = pool.margin(account)
      if (margin === undefined) return [account, undefined]
      const { round, ...rest } = margin
      expect(round).toBe(pool.round)
      return [account, rest]
    }),
  )
}

test.each([1, 2, 3])(
  '%i risk workers give the same bits as one thread, after any marks',
  async (count) => {
    const given = population(count)
    const market = marks(0.93)
    expect(await together(count, given, market)).toEqual(alone(given, market))
  },
)

test('marks that are unusable change no margin, and the next good ones do', async () => {
  const given = population(9)
  const pool = new RiskWorkers({
    workers: 2,
    parameters: PARAMETERS,
    underlyings: [1, 2],
    capacity: CAPACITY,
  })
  opened.push(pool)
  pool.list(given.series)
  pool.set(given.accounts)
  pool.markAll(marks(1))
  expect(await pool.settled(SETTLE_MS)).toBe(true)
  const { account } = given.accounts[7]!
  const good = pool.margin(account)!
  const [first] = marks(1.1).underlyings
  pool.mark({ ...first!, expiries: first!.expiries.slice(1) })
  expect(await pool.settled(SETTLE_MS)).toBe(true)
  expect(pool.margin(account)).toEqual({ ...good, round: pool.round })
  expect(pool.failed).toBeUndefined()
  pool.markAll(marks(1.1))
  expect(await pool.settled(SETTLE_MS)).toBe(true)
  expect(pool.margin(account)!.initialMicro).toBe(
    alone(given, marks(1.1)).get(account)!.initialMicro,
  )
})
