import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readHistory } from '../../../cli/risk/backtest/history-file.ts'
import { type BacktestRequest, backtest } from '../../../cli/risk/backtest/run.ts'
import { backtestTable } from '../../../cli/risk/backtest/table.ts'
import { data, outsideFile } from '../../outside.ts'

const folder = mkdtempSync(join(tmpdir(), 'backtest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

const request: BacktestRequest = {
  histories: [],
  folder: undefined,
  portfolios: undefined,
  equityRatio: undefined,
  hours: undefined,
  delayHours: undefined,
  everyHours: 24,
}

test('times are read in seconds, milliseconds and dates, prices and volatilities by name', () => {
  const wanted = [
    { atMs: 1_583_366_400_000, closeUsd: 226.5, volatility: undefined },
    { atMs: 1_583_370_000_000, closeUsd: 226.9, volatility: undefined },
  ]
  const unix = ['unix,date,close', '1583366400.0,2020-03-05 12-AM,226.5', '1583370000.0,x,226.9']
  expect(readHistory(file('unix.csv', unix))).toEqual(wanted)
  const dated = ['Timestamp,Close', '2020-03-05 00:00:00,226.5', '2020-03-05T01:00:00Z,226.9']
  expect(readHistory(file('dated.csv', dated))).toEqual(wanted)
  const own = ['time,price,volatility', '1583366400000,226.5,0.7', '1583370000000,226.9,0.8']
  expect(readHistory(file('own.csv', own)).map(({ volatility }) => volatility)).toEqual([0.7, 0.8])
})

test.each([
  ['no time', ['close', '1', '2'], 'a column is named unix'],
  ['no price', ['time,open', '1,2'], 'a column is named close'],
  ['a bad row', ['time,close', '1,2', '2,', '3,4'], 'above 0'],
  ['times that fall', ['time,close', '2,2', '1,2'], 'times rise'],
  ['words for times', ['time,close', 'a,2', 'b,2'], 'a time is a number'],
])('a file with %s is refused with the rule', (name, lines, rule) => {
  expect(() => readHistory(file(`${name}.csv`, lines))).toThrow(rule)
})

test('a file that does not exist, and a folder without one, are named', () => {
  expect(() => readHistory(join(folder, 'nowhere.csv'))).toThrow('exists')
  expect(() => backtest(request, () => {})).toThrow('TANDEM_DATA')
})

test('portfolios and history of one’s own give a row each, and the assumptions with them', () => {
  const prices = Array.from({ length: 60 }, (_, i) => (i < 30 ? 100 : 60))
  const history = file('fall.csv', [
    'time,close',
    ...prices.map((price, i) => `${1_583_366_400 + i * 3_600},${price}`),
  ])
  const portfolios = file('mine.jsonl', [
    '{"name":"long","perpetual":1}',
    '{"name":"spread","options":[{"right":"put","strike":0.9,"days":30,"size":-1},{"right":"put","strike":0.8,"days":30,"size":1}]}',
  ])
  const said: string[] = []
  const report = backtest({ ...request, histories: [history], portfolios }, (text) =>
    said.push(text),
  )
  expect(report.rows.map(({ portfolio }) => portfolio)).toEqual(['long', 'spread'])
  expect(report.rows[0]).toMatchObject({ episodes: 2, liquidations: 2, breaches: 2 })
  expect(report.rows[0]?.shortfallUsd).toBeCloseTo(2 * 20, 9)
  expect(report.rows[1]?.costRatio).toBeLessThan(1)
  expect(report.total.episodes).toBe(4)
  expect(report.assumptions).toMatchObject({ equityRatio: 1, hours: 168, everyHours: 24 })
  expect(said).toHaveLength(2)
  expect(backtestTable(report)).toContain('modelled, not recorded')
  const bad = file('bad.jsonl', ['{"name":"x","options":[{"right":"put"}]}'])
  expect(() => backtest({ ...request, histories: [history], portfolios: bad }, () => {})).toThrow(
    'number',
  )
})

if (!data.present) outsideFile(data, '*_1h_*.csv', 1)

describe.skipIf(!data.present)('recorded falls', () => {
  const slow = { timeout: 60_000 }
  test('leave few debts, and portfolio margin asks for less than isolated margin', slow, () => {
    const report = backtest(
      { ...request, folder: data.present ? data.folder : undefined, everyHours: 168 },
      () => {},
    )
    expect(report.rows).toHaveLength(40)
    expect(report.total.episodes).toBeGreaterThan(90)
    expect(report.total.liquidations).toBeGreaterThan(20)
    expect(report.total.breaches).toBeLessThan(0.1 * report.total.episodes)
    expect(report.total.costRatio).toBeLessThan(0.7)
  })
})
