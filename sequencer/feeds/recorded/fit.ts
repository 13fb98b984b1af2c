/**
 * Fits the recorded market: reads snapshots of option chains, fits raw SVI to each expiry that all
 * of them list, writes the market file, and says how far the fit is from the chains.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { normalDensity } from '../../../sdk/risk/numeric/normal.ts'
import { surfaceVolatility } from '../../../sdk/risk/svi.ts'
import { type SmilePoint, type SviShape, fitSvi } from '../../../sdk/risk/surface/svi-fit.ts'
import { marksAt } from './interpolate.ts'
import { type MarketFile, marketFileSchema } from './market-file.ts'
import { type ChainExpiry, type Snapshot, median, readSnapshot } from './snapshot.ts'
import { butterflyLowest, calendarLowest } from '../../../sdk/risk/surface/arbitrage.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const OUTPUT = fileURLToPath(new URL('2026-02.json', import.meta.url))
const DATA = process.env['TANDEM_DATA'] ?? join(ROOT, '../shared/data')
const PREFIX = 'deribit_options_snapshot_'
const DIGITS = 9
const PENALTY = 1
/** A slice's density factor stays above 0 by this, so that rounding cannot take it below. */
const DENSITY_MARGIN = 0.002
/** So does a calendar step, as a share of variance at the money. */
const CALENDAR_MARGIN = 0.001

const SOURCE =
  'Deribit public API, option chains of BTC and ETH, twelve snapshots of 4–6 February 2026, from ' +
  'the repository znmahbub/SVCJ-Deribit-Inverse-Options-Pricer (folder data).'
const NOTE =
  'Index and forwards are medians of a snapshot; surfaces are raw SVI of total variance, fitted to ' +
  'mark volatilities. Between snapshots total variance and the logs of index and forwards are interpolated.'

/** Errors of a fit inside 10 to 90 delta, in volatility points (1 = 1 %). */
type Errors = { symbol: string; label: string; points: number[] }

main()

function main(): void {
  const names = readdirSync(DATA)
    .filter((name) => name.startsWith(PREFIX))
    .toSorted()
  const snapshots = names.map((name) => readSnapshot(join(DATA, name)))
  const file = marketFileSchema.parse(fitMarket(snapshots))
  writeFileSync(OUTPUT, `${JSON.stringify(file)}\n`)

  report('fit', errorsAtSnapshots(file, snapshots))
  report('interpolated across a snapshot left out', errorsLeftOut(file, snapshots))
  reportArbitrage(file)
}

function fitMarket(snapshots: readonly Snapshot[]): MarketFile {
  const symbols = snapshots[0]?.currencies.map(({ currency }) => currency) ?? []
  return {
    version: 1,
    source: SOURCE,
    note: NOTE,
    underlyings: symbols.map((symbol) => {
      const expiriesMs = sharedExpiries(snapshots, symbol)
      return {
        symbol,
        expiriesMs,
        snapshots: snapshots.map((snapshot) => {
          const { indexUsd } = currencyOf(snapshot, symbol)
          let earlier: SviShape | undefined
          const slices = expiriesMs.map((expiryMs) => {
            const chain = chainOf(snapshot, symbol, expiryMs)
            earlier = fitChain(chain, earlier)
            return { forwardUsd: rounded(chain.forwardUsd), ...earlier }
          })
          return { atMs: snapshot.atMs, indexUsd: rounded(indexUsd), slices }
        }),
      }
    }),
  }
}

/**
 * Minimises the squared error of volatility, weighted by vega; arbitrage within the slice or against
 * the expiry before it is paid for.
 */
function fitChain({ points, years }: ChainExpiry, earlier: SviShape | undefined): SviShape {
  const smile = points.map(({ logMoneyness, volatility }): SmilePoint => {
    const deviation = volatility * Math.sqrt(years)
    const vega = normalDensity(-logMoneyness / deviation + deviation / 2)
    const slope = 2 * volatility * years
    const weight = (vega * vega + 1e-6) / (slope * slope)
    return { logMoneyness, totalVariance: volatility * volatility * years, weight }
  })
  const centre = smile.reduce((a, b) =>
    Math.abs(b.logMoneyness) < Math.abs(a.logMoneyness) ? b : a,
  )
  const deviation = Math.sqrt(centre.totalVariance)
  const starts = [-1, -0.3, 0, 0.3, 1].flatMap((m) =>
    [0.3, 1, 2].map((s) => ({ m: m * deviation, s: s * deviation })),
  )
  const penalty = (shape: SviShape): number => {
    const butterfly = Math.min(butterflyLowest(shape) - DENSITY_MARGIN, 0)
    const step = earlier === undefined ? 1 : calendarLowest([earlier, shape])
    const calendar = Math.min(step / centre.totalVariance - CALENDAR_MARGIN, 0)
    return PENALTY * (butterfly * butterfly + calendar * calendar)
  }
  const bounds = { mMax: 2 * deviation, sMin: 0.1 * deviation, sMax: 3 * deviation }
  return roundedShape(fitSvi(smile, { starts, bounds, penalty }).shape)
}

function errorsAtSnapshots(file: MarketFile, snapshots: readonly Snapshot[]): Errors[] {
  return file.underlyings.flatMap((underlying) =>
    underlying.expiriesMs.map((expiryMs) => ({
      symbol: underlying.symbol,
      label: new Date(expiryMs).toISOString().slice(0, 10),
      points: snapshots.flatMap((snapshot) => chainErrors(underlying, snapshot, expiryMs)),
    })),
  )
}

/** Leaves each inner snapshot out in turn and compares the interpolation with its chain. */
function errorsLeftOut(file: MarketFile, snapshots: readonly Snapshot[]): Errors[] {
  return file.underlyings.flatMap((underlying) =>
    underlying.expiriesMs.map((expiryMs) => ({
      symbol: underlying.symbol,
      label: new Date(expiryMs).toISOString().slice(0, 10),
      points: snapshots.slice(1, -1).flatMap((snapshot) => {
        const kept = underlying.snapshots.filter(({ atMs }) => atMs !== snapshot.atMs)
        return chainErrors({ ...underlying, snapshots: kept }, snapshot, expiryMs)
      }),
    })),
  )
}

/** Absolute volatility errors of the points between 10 and 90 delta, in points, at equal log-moneyness. */
function chainErrors(
  underlying: MarketFile['underlyings'][number],
  snapshot: Snapshot,
  expiryMs: number,
): number[] {
  const marks = marksAt(underlying, snapshot.atMs)
  const expiry = marks.expiries.find((candidate) => candidate.expiryMs === expiryMs)
  if (expiry === undefined) return []
  const slice = { ...expiry.shape, years: expiry.years }
  const { points, forwardUsd } = chainOf(snapshot, underlying.symbol, expiryMs)
  return points
    .filter(({ callDelta }) => callDelta >= 0.1 && callDelta <= 0.9)
    .map(
      ({ strikeUsd, volatility }) =>
        Math.abs(surfaceVolatility(slice, forwardUsd, strikeUsd) - volatility) * 100,
    )
}

function report(title: string, errors: readonly Errors[]): void {
  const all = errors.flatMap(({ points }) => points)
  print(`${title}: absolute volatility error inside 10 to 90 delta, in points`)
  for (const { symbol, label, points } of errors) print(`  ${symbol} ${label} ${figures(points)}`)
  print(`  all            ${figures(all)}`)
}

function figures(points: readonly number[]): string {
  const sorted = points.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? NaN).toFixed(3)
  return `n ${sorted.length}, median ${median(points).toFixed(3)}, p95 ${at(0.95)}, worst ${at(1)}`
}

function reportArbitrage(file: MarketFile): void {
  for (const { symbol, snapshots } of file.underlyings) {
    const butterfly = Math.min(...snapshots.flatMap(({ slices }) => slices.map(butterflyLowest)))
    const calendar = Math.min(...snapshots.map(({ slices }) => calendarLowest(slices)))
    print(
      `${symbol}: lowest density factor ${butterfly.toFixed(4)} (below 0: butterfly arbitrage), ` +
        `lowest calendar step ${calendar.toExponential(2)} of total variance`,
    )
  }
}

function sharedExpiries(snapshots: readonly Snapshot[], symbol: string): number[] {
  const [first, ...rest] = snapshots.map((snapshot) =>
    currencyOf(snapshot, symbol).expiries.map(({ expiryMs }) => expiryMs),
  )
  return (first ?? []).filter((expiryMs) => rest.every((other) => other.includes(expiryMs)))
}

function currencyOf(snapshot: Snapshot, symbol: string): Snapshot['currencies'][number] {
  const found = snapshot.currencies.find(({ currency }) => currency === symbol)
  if (found === undefined) throw new RangeError(`A snapshot has no ${symbol}.`)
  return found
}

function chainOf(snapshot: Snapshot, symbol: string, expiryMs: number): ChainExpiry {
  const found = currencyOf(snapshot, symbol).expiries.find((chain) => chain.expiryMs === expiryMs)
  if (found === undefined) throw new RangeError(`${symbol} has no expiry ${expiryMs}.`)
  return found
}

function roundedShape({ a, b, rho, m, s }: SviShape): SviShape {
  return { a: rounded(a), b: rounded(b), rho: rounded(rho), m: rounded(m), s: rounded(s) }
}

function rounded(value: number): number {
  return Number(value.toFixed(DIGITS))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
