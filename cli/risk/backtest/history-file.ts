import { readFileSync, statSync } from 'node:fs'
import { type PricePoint, checkHistory } from '../../../sdk/risk/backtest/history.ts'
import { RiskError } from '../../../sdk/risk/risk-error.ts'

/** Names that a column goes by, the better ones first. */
const COLUMNS = {
  time: ['unix', 'timestamp', 'time', 'date', 'datetime'],
  close: ['close', 'price'],
  volatility: ['volatility', 'vol', 'iv'],
} as const

const BYTES_MAX = 256 * 1024 * 1024
/** Numbers below this are seconds since 1970, above it milliseconds. */
const SECONDS_MAX = 1e11

/**
 * Reads a price history from comma-separated values with a header: a time (seconds or milliseconds since
 * 1970, or a date, taken as UTC), a closing price, and if there is one a volatility per √year.
 *
 * @throws RiskError `INVALID_HISTORY` naming the file, the rule and the row.
 */
export function readHistory(path: string): PricePoint[] {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size
  const refuse = (rule: string, values: Record<string, string | number> = {}): never => {
    throw new RiskError('INVALID_HISTORY', rule, { file: path, ...values })
  }
  if (bytes === undefined) return refuse('the file exists')
  if (bytes > BYTES_MAX) return refuse(`a file has at most ${BYTES_MAX} bytes`, { actual: bytes })
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/)
  const names = header.split(',').map((name) => name.trim().toLowerCase())
  const column = (known: readonly string[]): number | undefined => {
    const found = known.find((name) => names.includes(name))
    return found === undefined ? undefined : names.indexOf(found)
  }
  const time = column(COLUMNS.time)
  const close = column(COLUMNS.close)
  const volatility = column(COLUMNS.volatility)
  if (time === undefined) return refuse(`a column is named ${COLUMNS.time.join(', ')}`)
  if (close === undefined) return refuse(`a column is named ${COLUMNS.close.join(' or ')}`)
  const points = lines.map((line): PricePoint => {
    const cells = line.split(',')
    return {
      atMs: readTime(cells[time] ?? ''),
      closeUsd: Number(cells[close] ?? NaN),
      volatility: volatility === undefined ? undefined : Number(cells[volatility] ?? NaN),
    }
  })
  try {
    checkHistory(points)
  } catch (error) {
    if (!(error instanceof RiskError)) throw error
    const { row = 0, ...values } = error.values
    refuse(error.rule, { line: Number(row) + 2, ...values })
  }
  return points
}

function readTime(text: string): number {
  const figure = Number(text)
  if (text.trim() !== '' && Number.isFinite(figure)) {
    return figure < SECONDS_MAX ? figure * 1_000 : figure
  }
  // Without a zone a date and time would be taken as this machine's.
  const dated = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text.trim())
  return Date.parse(dated ? `${text.trim().replace(' ', 'T')}Z` : text)
}
