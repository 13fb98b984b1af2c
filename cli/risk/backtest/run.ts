import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { HOLDING_RULES, type HoldingRules, runEpisode } from '../../../sdk/risk/backtest/episode.ts'
import { VOLATILITY_MODEL, volatilityPath } from '../../../sdk/risk/backtest/history.ts'
import { BACKTEST_SMILE } from '../../../sdk/risk/backtest/market.ts'
import { type BacktestSummary, summarise } from '../../../sdk/risk/backtest/summary.ts'
import { type PortfolioTemplate, TEMPLATES } from '../../../sdk/risk/backtest/template.ts'
import { RiskError } from '../../../sdk/risk/risk-error.ts'
import { readHistory } from './history-file.ts'
import { readTemplates } from './template-file.ts'

const HOUR_MS = 3_600_000
/** Hourly histories in a folder of recorded data. */
const HOURLY = /_1h_.*\.csv$/

/** One line of a report. */
export type BacktestRow = { history: string; portfolio: string } & BacktestSummary

/** What a backtest gives: what it assumed, and one row per history and portfolio. */
export type BacktestReport = {
  assumptions: HoldingRules & {
    everyHours: number
    volatility: typeof VOLATILITY_MODEL
    smile: typeof BACKTEST_SMILE
  }
  rows: readonly BacktestRow[]
  total: BacktestSummary
}

/** What a backtest is asked for; what is absent is as usual. */
export type BacktestRequest = {
  /** Files; none: every hourly one in the folder of recorded data. */
  histories: readonly string[]
  folder: string | undefined
  portfolios: string | undefined
  equityRatio: number | undefined
  hours: number | undefined
  delayHours: number | undefined
  everyHours: number
}

/**
 * Reads what a backtest needs and runs it.
 *
 * @param progress - Told before each history and portfolio.
 */
export function backtest(
  request: BacktestRequest,
  progress: (text: string) => void,
): BacktestReport {
  const files = historyFiles(request.histories, request.folder)
  const templates = request.portfolios === undefined ? TEMPLATES : readTemplates(request.portfolios)
  const rules = {
    equityRatio: request.equityRatio ?? HOLDING_RULES.equityRatio,
    hours: request.hours ?? HOLDING_RULES.hours,
    delayHours: request.delayHours ?? HOLDING_RULES.delayHours,
    everyHours: request.everyHours,
  }
  return runBacktest(files, templates, rules, progress)
}

function historyFiles(named: readonly string[], folder: string | undefined): string[] {
  if (named.length > 0) return [...named]
  const files =
    folder !== undefined && existsSync(folder)
      ? readdirSync(folder).filter((name) => HOURLY.test(name))
      : []
  if (folder === undefined || files.length === 0) {
    const rule = 'a history is named, or TANDEM_DATA names a folder with *_1h_*.csv'
    throw new RiskError('INVALID_HISTORY', rule, { actual: folder ?? 'none' })
  }
  return files.toSorted().map((name) => join(folder, name))
}

/** Runs portfolios through histories: each is entered anew every so many hours. */
function runBacktest(
  files: readonly string[],
  templates: readonly PortfolioTemplate[],
  rules: HoldingRules & { everyHours: number },
  progress: (text: string) => void,
): BacktestReport {
  const everything: ReturnType<typeof runEpisode>[] = []
  const rows: BacktestRow[] = []
  for (const [f, file] of files.entries()) {
    const points = readHistory(file)
    const volatilities = volatilityPath(points, VOLATILITY_MODEL)
    const starts = entries(points, rules.everyHours)
    for (const [t, template] of templates.entries()) {
      const done = f * templates.length + t + 1
      const of = files.length * templates.length
      progress(`${done}/${of} ${basename(file)}: ${template.name}, ${starts.length} entries`)
      const episodes = starts.map((start) =>
        runEpisode(template, points, volatilities, start, rules),
      )
      everything.push(...episodes)
      rows.push({ history: basename(file), portfolio: template.name, ...summarise(episodes) })
    }
  }
  const assumptions = { ...rules, volatility: VOLATILITY_MODEL, smile: BACKTEST_SMILE }
  return { assumptions, rows, total: summarise(everything) }
}

/** Observations at which a portfolio is entered; the last ones leave too little time for any. */
function entries(points: readonly { atMs: number }[], everyHours: number): number[] {
  const lastMs = points.at(-1)?.atMs ?? 0
  const starts: number[] = []
  let nextMs = -Infinity
  for (const [i, { atMs }] of points.entries()) {
    if (atMs < nextMs || atMs > lastMs - 24 * HOUR_MS) continue
    starts.push(i)
    nextMs = atMs + everyHours * HOUR_MS
  }
  return starts
}
