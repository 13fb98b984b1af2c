import type { BacktestReport, BacktestRow } from './run.ts'

const HEADINGS = [
  'portfolio',
  'entries',
  'calls',
  'liquidated',
  'breaches',
  'shortfall $',
  'worst %',
  'margin %',
  'isolated %',
  'ratio',
] as const

/** Sets a report as one table per history, with what it assumed below. */
export function backtestTable({ assumptions, rows, total }: BacktestReport): string {
  const histories = [...new Set(rows.map(({ history }) => history))]
  const lines = histories.flatMap((history) => [
    history,
    line(HEADINGS),
    ...rows.filter((row) => row.history === history).map((row) => line(cells(row))),
    '',
  ])
  const { equityRatio, hours, delayHours, everyHours, volatility } = assumptions
  return [
    ...lines,
    line(cells({ history: '', portfolio: 'all', ...total })),
    '',
    `Entered every ${everyHours} h with ${equityRatio} × initial margin, held for ${hours} h, checked at every`,
    `row, closed ${delayHours} h after maintenance margin fails. A breach is a liquidation that left a debt;`,
    'shortfall is the sum of debts, worst % the largest of notional. margin % and isolated % are',
    'mean initial requirements over notional, ratio the one over the other.',
    `Where the history has no volatility it is realised volatility (half-life ${volatility.halfLifeHours} h) × ` +
      `${volatility.premium},`,
    `from ${volatility.floor} to ${volatility.ceiling}; forwards are at spot. Option prices are modelled, not recorded.`,
  ].join('\n')
}

function cells(row: BacktestRow): string[] {
  const percent = (share: number): string => (share * 100).toFixed(1)
  return [
    row.portfolio,
    `${row.episodes}`,
    `${row.calls}`,
    `${row.liquidations}`,
    `${row.breaches}`,
    row.shortfallUsd.toFixed(0),
    percent(row.shortfallShareMax),
    percent(row.initialShare),
    percent(row.isolatedShare),
    row.costRatio.toFixed(2),
  ]
}

function line(texts: readonly string[]): string {
  const [name = '', ...figures] = texts
  const first = name.length > 24 ? `${name.slice(0, 23)}…` : name.padEnd(24)
  return first + figures.map((text) => text.padStart(12)).join('')
}
