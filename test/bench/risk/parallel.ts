import type { AccountId } from '../../../sdk/protocol/ids.ts'
import type { Series } from '../../../sdk/risk/engine/grid.ts'
import { RiskWorkers } from '../../../sequencer/shell/risk/workers.ts'
import { marketAt, PARAMETERS, randomNumbers } from './population.ts'

/** Size of a population on workers. */
export type ParallelSize = {
  expiries: number
  strikes: number
  accounts: number
  positions: number
}

const DAY_S = 86_400
const SPOT_USD = 60_000
const SETTLE_MS = 60_000

/** Opens workers with random accounts and waits until all are margined. */
export async function openPopulation(
  workers: number,
  size: ParallelSize,
): Promise<{ pool: RiskWorkers; accounts: readonly AccountId[] }> {
  const { expiries, strikes, accounts, positions } = size
  const pool = new RiskWorkers({
    workers,
    parameters: PARAMETERS,
    underlyings: [1],
    capacity: {
      underlyings: 2,
      expiries,
      strikesPerExpiry: strikes + (strikes % 2),
      assets: 1,
      accounts: Math.ceil(accounts / workers),
      accountBytes: Math.ceil(accounts / workers) * 16_384,
    },
  })
  const series: Series[] = []
  for (let e = 0; e < expiries; e++) {
    for (let i = 0; i < strikes; i++) {
      const strikeUsd = SPOT_USD * (0.4 + (1.6 * i) / strikes)
      const expiryS = (e + 1) * 7 * DAY_S
      series.push({ underlying: 1, expiryS, strikeUsd, right: 'call' })
      series.push({ underlying: 1, expiryS, strikeUsd, right: 'put' })
    }
  }
  pool.list(series)
  const random = randomNumbers(7)
  const names: AccountId[] = []
  for (let from = 0; from < accounts; from += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, accounts - from) }, (_, i) => {
      const account: AccountId = `0x${(from + i).toString(16).padStart(64, '0')}`
      names.push(account)
      const held = new Map<Series, number>()
      while (held.size < positions) {
        const item = series[Math.floor(random() * series.length)] as Series
        held.set(item, Math.round((random() - 0.5) * 400_000) || 1)
      }
      const options = Array.from(held, ([item, lots]) => ({ series: item, lots }))
      return { account, holdings: { cashMicro: 1_000_000_000, options, collaterals: [] } }
    })
    pool.set(batch)
  }
  pool.markAll(marketAt(expiries))
  if (!(await pool.settled(SETTLE_MS))) throw new Error('the workers did not settle in time')
  return { pool, accounts: names }
}

/** Best time from new marks to every requirement, in milliseconds, of so many runs. */
export async function parallelMs(
  workers: number,
  size: ParallelSize,
  runs: number,
): Promise<number> {
  const { pool } = await openPopulation(workers, size)
  const markets = [marketAt(size.expiries, SPOT_USD + 10), marketAt(size.expiries)] as const
  let best = Infinity
  const warm = 40
  for (let i = 0; i < warm + runs; i++) {
    const market = markets[(i % 2) as 0 | 1]
    const start = performance.now()
    pool.markAll(market)
    if (!(await pool.settled(SETTLE_MS))) throw new Error('the workers did not settle in time')
    if (i >= warm) best = Math.min(best, performance.now() - start)
  }
  await pool.close()
  return best
}
