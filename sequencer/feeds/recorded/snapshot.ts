import { readFileSync } from 'node:fs'
import { SECONDS_PER_YEAR } from '../../../sdk/risk/black76.ts'
import { logarithm } from '../../../sdk/risk/numeric/logarithm.ts'

/** One strike of an option chain: mark volatility and how it stands to the forward. */
export type ChainPoint = {
  strikeUsd: number
  logMoneyness: number
  /** Per √year. */
  volatility: number
  /** Delta of the call, forward delta, in `(0, 1)`. */
  callDelta: number
}

/** One expiry of an option chain at one moment. */
export type ChainExpiry = {
  expiryMs: number
  years: number
  forwardUsd: number
  points: readonly ChainPoint[]
}

/** The option chains of one snapshot file. */
export type Snapshot = {
  atMs: number
  currencies: readonly { currency: string; indexUsd: number; expiries: readonly ChainExpiry[] }[]
}

const COLUMNS = {
  time: 'timestamp',
  strike: 'strike',
  expiry: 'expiry_datetime',
  forward: 'futures_price',
  volatility: 'implied_volatility',
  delta: 'delta',
  right: 'option_type',
  currency: 'currency',
  index: 'index_price',
} as const

type Row = Record<keyof typeof COLUMNS, string>

/**
 * Reads one snapshot of option chains.
 *
 * Index and forwards tick while a snapshot is taken: the median of the rows stands for them.
 */
export function readSnapshot(path: string): Snapshot {
  const rows = readRows(path)
  const atMs = Date.parse(rows[0]?.time ?? '')
  const currencies = [...group(rows, (row) => row.currency)].map(([currency, own]) => ({
    currency,
    indexUsd: median(own.map((row) => Number(row.index))),
    expiries: [...group(own, (row) => row.expiry)]
      .map(([expiry, chain]) => chainExpiry(Date.parse(expiry), atMs, chain))
      .toSorted((a, b) => a.expiryMs - b.expiryMs),
  }))
  return { atMs, currencies: currencies.toSorted((a, b) => (a.currency < b.currency ? -1 : 1)) }
}

/** Gives the median of numbers: the mean of the middle two when they are even in number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

function chainExpiry(expiryMs: number, atMs: number, rows: readonly Row[]): ChainExpiry {
  const forwardUsd = median(rows.map((row) => Number(row.forward)))
  const points = [...group(rows, (row) => row.strike)]
    .map(([strike, quotes]) => {
      const strikeUsd = Number(strike)
      const deltas = quotes.map(({ right, delta }) => Number(delta) + (right === 'put' ? 1 : 0))
      return {
        strikeUsd,
        logMoneyness: logarithm(strikeUsd / forwardUsd),
        volatility: median(quotes.map((row) => Number(row.volatility))),
        callDelta: median(deltas),
      }
    })
    .filter(({ volatility }) => volatility > 0)
    .toSorted((a, b) => a.strikeUsd - b.strikeUsd)
  return { expiryMs, years: (expiryMs - atMs) / 1_000 / SECONDS_PER_YEAR, forwardUsd, points }
}

function readRows(path: string): Row[] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/)
  const names = header.split(',')
  const columns = Object.entries(COLUMNS).map(([key, name]): [string, number] => {
    const column = names.indexOf(name)
    if (column < 0) throw new RangeError(`${path} has no column "${name}".`)
    return [key, column]
  })
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(columns.map(([key, column]) => [key, cells[column] ?? ''])) as Row
  })
}

function group<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const own = groups.get(key(value))
    if (own === undefined) groups.set(key(value), [value])
    else own.push(value)
  }
  return groups
}
