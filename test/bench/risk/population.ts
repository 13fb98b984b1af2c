import { openRiskEngine, type RiskEngine } from '../../../sdk/risk/engine/open-engine.ts'
import type { EngineHoldings } from '../../../sdk/risk/engine/account-record.ts'
import type { Instrument } from '../../../sdk/risk/engine/grid.ts'
import { BASE_PARAMETERS, type RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket } from '../../../sdk/risk/portfolio.ts'

/** Numbers in `[0, 1)` from a seed: the same on every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** Parameters of every measurement: the defaults, no collateral. */
export const PARAMETERS: RiskParameters = { ...BASE_PARAMETERS, version: 1, collaterals: [] }

const SPOT_USD = 60_000
const DAY_S = 86_400

/** Marks of one underlying with expiries 7, 14, 21, … days away. */
export function marketAt(expiries: number, spotUsd = SPOT_USD): RiskMarket {
  return {
    stableUsd: 1,
    underlyings: [
      {
        underlying: 1,
        spotUsd,
        spotConfidence: 1,
        expiries: Array.from({ length: expiries }, (_, i) => {
          const secondsToExpiry = (i + 1) * 7 * DAY_S
          const years = secondsToExpiry / 31_536_000
          const variance = 0.36 * years
          return {
            expiryS: secondsToExpiry,
            secondsToExpiry,
            forwardUsd: spotUsd * (1 + 0.04 * years),
            ratePerYear: 0.04,
            forwardConfidence: 1,
            rateConfidence: 1,
            volatilityConfidence: 1,
            surface: { a: variance * 0.5, b: variance * 0.8, rho: -0.3, m: 0, s: 0.6, years },
          }
        }),
      },
    ],
    collaterals: [],
  }
}

/** A population to be margined. */
export type Population = {
  engine: RiskEngine
  instruments: readonly Instrument[]
  names: readonly string[]
}

/** Opens an engine with so many expiries and strikes, and gives accounts random positions. */
export function populate(size: {
  expiries: number
  strikes: number
  accounts: number
  positions: number
  /** True gives every position a strike that no other shares. */
  alone?: boolean
}): Population {
  const { expiries, strikes, accounts, positions, alone = false } = size
  const engine = openRiskEngine({
    parameters: PARAMETERS,
    capacity: {
      underlyings: 2,
      expiries,
      strikesPerExpiry: alone ? 2 * Math.ceil((accounts * positions) / expiries) : strikes,
      assets: 1,
      accounts,
      accountBytes: accounts * 32_768,
    },
  })
  const random = randomNumbers(7)
  const instruments: Instrument[] = []
  const listed = (index: number, strikeUsd: number, right: 'call' | 'put'): Instrument => {
    const expiryS = (index + 1) * 7 * DAY_S
    return engine.grid.instrument({ underlying: 1, expiryS, strikeUsd, right })
  }
  const strikeAt = (i: number): number => SPOT_USD * (0.4 + (1.6 * i) / strikes)
  for (let e = 0; e < expiries && !alone; e++) {
    for (let i = 0; i < strikes; i++) {
      instruments.push(listed(e, strikeAt(i), 'call'), listed(e, strikeAt(i), 'put'))
    }
  }
  const names = Array.from({ length: accounts }, (_, i) => `account ${i}`)
  let made = 0
  for (const name of names) {
    const options = new Map<number, EngineHoldings['options'][number]>()
    while (options.size < positions) {
      const strike = Math.floor(random() * strikes)
      const right = random() < 0.5 ? 'call' : 'put'
      const expiry = Math.floor(random() * expiries)
      const strikeUsd = strikeAt(strike) + (alone ? 1e-6 * made++ : 0)
      const instrument = listed(expiry, strikeUsd, right)
      const lots = Math.round((random() - 0.5) * 400_000) || 1
      options.set(instrument.row, { instrument, lots })
    }
    engine.accounts.set(name, {
      cashMicro: 1_000_000_000,
      options: [...options.values()],
      collaterals: [],
    })
  }
  return { engine, instruments, names }
}
