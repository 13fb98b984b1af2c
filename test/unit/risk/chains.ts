import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SECONDS_PER_YEAR } from '../../../sdk/risk/black76.ts'
import type { QuotedExpiry } from '../../../sdk/risk/surface/quotes.ts'
import { data } from '../../outside.ts'

/** One row of a recorded option chain. */
export type ChainRow = {
  currency: string
  right: 'call' | 'put'
  strikeUsd: number
  expiryMs: number
  years: number
  forwardUsd: number
  /** Per √year. */
  volatility: number
  markCoin: number
  /** 0 where there is none. */
  bidCoin: number
  askCoin: number
  /** Coin-dollars per point. */
  vega: number
}

/** Names of the recorded chains; none when the data is not here. */
export const chainFiles: readonly string[] = data.present
  ? readdirSync(data.folder)
      .filter((name) => name.startsWith('deribit_options_snapshot_'))
      .toSorted()
  : []

/** Reads one snapshot. */
export function readChain(name: string): ChainRow[] {
  const path = join(data.present ? data.folder : '', name)
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/)
  const columns = header.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    const text = (column: string): string => cells[columns.indexOf(column)] ?? ''
    const expiryMs = Date.parse(text('expiry_datetime'))
    return {
      currency: text('currency'),
      right: text('option_type') as 'call' | 'put',
      strikeUsd: Number(text('strike')),
      expiryMs,
      years: (expiryMs - Date.parse(text('timestamp'))) / 1_000 / SECONDS_PER_YEAR,
      forwardUsd: Number(text('futures_price')),
      volatility: Number(text('implied_volatility')),
      markCoin: Number(text('mark_price')),
      bidCoin: Number(text('bid_price')),
      askCoin: Number(text('ask_price')),
      vega: Number(text('vega')),
    }
  })
}

/** The quotes of one currency per expiry: of each strike the side out of the money. */
export function quotedExpiries(rows: readonly ChainRow[], currency: string): QuotedExpiry[] {
  const own = rows.filter((row) => row.currency === currency && row.volatility > 0)
  return [...Map.groupBy(own, ({ expiryMs }) => expiryMs)].map(([expiryMs, chain]) => {
    const forwards = chain.map(({ forwardUsd }) => forwardUsd).toSorted((a, b) => a - b)
    const forwardUsd = forwards[forwards.length >> 1] ?? NaN
    const outside = chain.filter(
      ({ right, strikeUsd }) => (right === 'call') === strikeUsd >= forwardUsd,
    )
    const years = chain[0]?.years ?? NaN
    const quotes = outside.map(({ strikeUsd, volatility, bidCoin, askCoin, vega }) => {
      // A spread in coin as one in volatility: vega is per point.
      const spreadUsd =
        bidCoin > 0 && askCoin > bidCoin ? (askCoin - bidCoin) * forwardUsd : undefined
      const spread = spreadUsd === undefined || vega <= 0 ? 0.2 : spreadUsd / vega / 100
      return { strikeUsd, volatility, spread }
    })
    return { expiryS: expiryMs / 1_000, years, forwardUsd, quotes }
  })
}
