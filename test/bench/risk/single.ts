import {
  batchGreeks,
  GREEK_COLUMNS,
  OPTION_COLUMNS,
  type GreekColumns,
  type OptionColumns,
} from '../../../sdk/risk/kernel/batch-greeks.ts'
import { makeImpliedBatch } from '../../../sdk/risk/kernel/implied-batch.ts'
import { FREE_ADDRESS, makeKernelMemory, openKernels } from '../../../sdk/risk/kernel/instance.ts'
import { measureNpmPackages, type NpmRates } from './npm-packages.ts'
import { marketAt, populate, randomNumbers } from './population.ts'
import { bestMs, warmUp } from './timing.ts'

const OPTIONS = 1_024
const REPEATS = 20

/** Options of the same kind that QuantLib is given: strikes within ±65 % and a week to a year. */
function options(columns: OptionColumns): void {
  const random = randomNumbers(11)
  for (let i = 0; i < OPTIONS; i++) {
    const years = 0.02 + random()
    columns.sign[i] = random() < 0.5 ? 1 : -1
    columns.forwardUsd[i] = 1_000 + 100_000 * random()
    columns.strikeUsd[i] = (columns.forwardUsd[i] as number) * (0.5 + 1.15 * random())
    columns.volatility[i] = 0.2 + random()
    columns.years[i] = years
    columns.ratePerYear[i] = 0.1 * random()
    columns.discount[i] = Math.exp(-(columns.ratePerYear[i] as number) * years)
  }
}

/** Measures price and five Greeks a second: in WebAssembly, in TypeScript, by packages of npm. */
export function priceGreeks(): { vector: number; scalar: number; npm: NpmRates } {
  const pages = 8
  const memory = makeKernelMemory(pages, false)
  const kernels = openKernels(memory, { pages, shared: false })
  const count = OPTION_COLUMNS.length + GREEK_COLUMNS.length
  const addresses = Array.from({ length: count }, (_, i) => FREE_ADDRESS + 8 * OPTIONS * i)
  const columns = addresses.map((at) => new Float64Array(memory.buffer, at, OPTIONS))
  const named = (names: readonly string[], from: number): Record<string, Float64Array> =>
    Object.fromEntries(names.map((name, i) => [name, columns[from + i] as Float64Array]))
  const given = named(OPTION_COLUMNS, 0) as OptionColumns
  const results = named(GREEK_COLUMNS, OPTION_COLUMNS.length) as GreekColumns
  options(given)
  const rate = (run: () => void): number => {
    warmUp(300, run)
    const ms = bestMs(REPEATS, () => {
      for (let i = 0; i < 20; i++) run()
    })
    return (1_000 * 20 * OPTIONS) / ms
  }
  return {
    vector: rate(() => kernels.greeks(OPTIONS, ...addresses)),
    scalar: rate(() => batchGreeks(given, results, 0, OPTIONS)),
    npm: measureNpmPackages(given, results.priceUsd),
  }
}

/** Measures implied volatilities a second. */
export function impliedVolatilities(): number {
  const make = (): Float64Array => new Float64Array(OPTIONS)
  const given = Object.fromEntries(
    OPTION_COLUMNS.map((name) => [name, make()]),
  ) as unknown as OptionColumns
  const results = Object.fromEntries(
    GREEK_COLUMNS.map((name) => [name, make()]),
  ) as unknown as GreekColumns
  options(given)
  // Quotes are out of the money: in the money the price drowns what depends on volatility.
  for (let i = 0; i < OPTIONS; i++) {
    given.sign[i] = (given.strikeUsd[i] as number) < (given.forwardUsd[i] as number) ? -1 : 1
  }
  batchGreeks(given, results, 0, OPTIONS)
  const batch = makeImpliedBatch(OPTIONS)
  for (const name of ['sign', 'forwardUsd', 'strikeUsd', 'years'] as const) {
    batch.prices[name].set(given[name])
  }
  for (let i = 0; i < OPTIONS; i++) {
    batch.prices.priceUsd[i] = (results.priceUsd[i] as number) / (given.discount[i] as number)
  }
  const run = (): void => batch.solve(OPTIONS)
  warmUp(300, run)
  for (let i = 0; i < OPTIONS; i++) {
    const error = Math.abs((batch.volatility[i] as number) / (given.volatility[i] as number) - 1)
    if (!(error < 1e-12))
      throw new Error(`option ${i} gave back its volatility with error ${error}`)
  }
  return (1_000 * OPTIONS) / bestMs(REPEATS, run)
}

/** Measures revaluation, Greeks after a mark, fills, and an account's bytes. */
export function engineFigures(size: {
  expiries: number
  strikes: number
  accounts: number
  positions: number
}): Record<'revaluationMs' | 'greeks1000Ms' | 'fillMarginUs' | 'bytesPerAccount', number> {
  const { engine, instruments, names } = populate(size)
  const { grid, greeks, accounts } = engine
  // Two markets in turn: every expiry changes every time.
  const markets = [marketAt(size.expiries), marketAt(size.expiries, 60_010)] as const
  let turn = 0
  const revalue = (): void => {
    turn = 1 - turn
    grid.mark(0, markets[turn as 0 | 1])
    accounts.mark(0)
  }
  warmUp(500, revalue)
  const revaluationMs = bestMs(100, revalue)
  warmUp(200, () => greeks.compute(0))
  const greeks1000Ms = bestMs(200, () => greeks.compute(0)) * (1_000 / instruments.length)
  const random = randomNumbers(3)
  const fills = Array.from({ length: 1_000 }, () => {
    const name = names[Math.floor(random() * names.length)] as string
    const held = accounts.holdings(name).options
    const { instrument } = held[Math.floor(random() * held.length)] as (typeof held)[number]
    return { name, fill: { instrument, lots: 100, cashMicro: 0 } }
  })
  const undo = fills.map(({ name, fill }) => ({ name, fill: { ...fill, lots: -100 } }))
  const fillAll = (): void => {
    for (const { name, fill } of fills) accounts.fill(0, name, fill)
    for (const { name, fill } of undo) accounts.fill(0, name, fill)
  }
  warmUp(300, fillAll)
  const fillMarginUs = (1_000 * bestMs(50, fillAll)) / (2 * fills.length)
  const bytesPerAccount = accounts.bytes / accounts.size
  return { revaluationMs, greeks1000Ms, fillMarginUs, bytesPerAccount }
}

/** Measures a revaluation in which every position is priced by itself, in milliseconds. */
export function fullRepricingMs(size: {
  expiries: number
  strikes: number
  accounts: number
  positions: number
}): number {
  const { engine } = populate({ ...size, alone: true })
  const markets = [marketAt(size.expiries), marketAt(size.expiries, 60_010)] as const
  let turn = 0
  const revalue = (): void => {
    turn = 1 - turn
    engine.grid.mark(0, markets[turn as 0 | 1])
    engine.accounts.mark(0)
  }
  warmUp(500, revalue)
  return bestMs(REPEATS, revalue)
}
