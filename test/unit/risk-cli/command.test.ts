import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { outsideFile, vectors } from '../../outside.ts'
import { readWorkedPortfolios } from '../risk/worked-portfolios.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

function tandem(args: readonly string[], lines: readonly object[]) {
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const program = ['cli/main.ts', 'risk', ...args]
  const run = spawnSync(process.execPath, program, { cwd: ROOT, input, encoding: 'utf8' })
  return { status: run.status, lines: run.stdout.trimEnd().split('\n'), stderr: run.stderr }
}

const market = {
  underlyings: [
    {
      underlying: 1,
      spotUsd: 100,
      expiries: [
        {
          expiryS: 604_800,
          secondsToExpiry: 604_800,
          forwardUsd: 100,
          surface: { a: 0.64, b: 0, rho: 0, m: 0, s: 0.1, years: 1 },
        },
      ],
    },
  ],
}
const short = { underlying: 1, expiryS: 604_800, strikeUsd: 110, right: 'call', size: -5 }
const given = { portfolio: { cashUsd: 200, options: [short] }, market }

test('prices run as a program, and the exit code tells of a refused line', () => {
  const good = { forward: 100, strike: 100, vol: 0.5, years: 1, call: true }
  const fine = tandem(['price'], [good, good])
  expect(fine.status).toBe(0)
  expect(fine.lines).toHaveLength(2)
  expect(tandem(['price'], [good, {}]).status).toBe(1)
  expect(tandem(['price', '--nonsense'], []).status).toBe(1)
})

test('a portfolio in the fields of the SDK has margin, state and reasons', () => {
  const [line = ''] = tandem(['margin'], [given]).lines
  const margin = JSON.parse(line) as Record<string, number | string | object[]>
  expect(Object.keys(margin)).toEqual(['mm', 'im', 'mtm', 'scenarios', 'state'])
  expect(margin['scenarios']).toHaveLength(33)
  const table = tandem(['explain', '--table'], [given]).lines
  expect(table.find((row) => row.includes('← binds'))).toContain('spot +500 %, volatility up')
  const explained = JSON.parse(tandem(['explain'], [given]).lines[0] ?? '') as { mm: number }
  expect(explained.mm).toBe(margin['mm'])
})

test('extensions are switched on by name, and nothing else is taken for one', () => {
  const extensions = {
    crossUnderlying: { offsets: [{ underlying: 1, share: 0.6, gainMaxUsd: 2e7 }], keep: 0.6 },
    latency: { deviations: 3.09, stateAgeS: 60 },
    size: { thresholdUsd: 2e7, slope: 0.1, shareMax: 0.1 },
    rollShock: [{ underlying: 1, share: 0.01 }],
    capLongAtPremium: true,
    notionalFloor: 0.001,
  }
  const lines = [
    given,
    { ...given, parameters: { extensions: {} } },
    { ...given, parameters: { extensions } },
    { ...given, parameters: { extensions: { latencies: {} } } },
  ]
  const answers = tandem(['margin'], lines).lines.map(
    (line) => JSON.parse(line) as { im: number; mm: number; error?: { path: string } },
  )
  expect(answers[1]).toEqual(answers[0])
  expect(answers[2]?.im).toBeLessThan(answers[0]?.im ?? NaN)
  expect(answers[2]?.mm).toBe(answers[0]?.mm)
  expect(answers[3]?.error?.path).toBe('parameters.extensions.latencies')
})

test.each([
  ['no marks', { ...given, market: {} }, 'INVALID_PORTFOLIO'],
  ['a surface that breaks a rule', surfaceWith({ b: -1 }), 'INVALID_REQUEST'],
  ['a parameter that does not exist', { ...given, parameters: { skrew: {} } }, 'INVALID_REQUEST'],
  [
    'parameters that break a rule',
    { ...given, parameters: { lossFactor: { initial: 0.1 } } },
    'INVALID_REQUEST',
  ],
])('a portfolio with %s is refused', (_what, line, code) => {
  const [answer = ''] = tandem(['margin'], [line]).lines
  const { error } = JSON.parse(answer) as { error: Record<string, unknown> }
  expect(error['code']).toBe(code)
  expect(typeof error['rule']).toBe('string')
})

function surfaceWith(change: object) {
  const [underlying] = market.underlyings
  const expiries = underlying?.expiries.map((e) => ({ ...e, surface: { ...e.surface, ...change } }))
  return { ...given, market: { underlyings: [{ ...underlying, expiries }] } }
}

const path = outsideFile(vectors, 'derive_pm2_portfolios.json', 83)
const cases = path === undefined ? [] : readWorkedPortfolios(path)

describe.skipIf(cases.length === 0)('worked portfolios through the program', () => {
  test('come out with the figures of their source', () => {
    const run = tandem(
      ['margin', '--format', 'pm2'],
      cases.map((worked) => worked.given),
    )
    expect(run.status).toBe(0)
    expect(run.lines).toHaveLength(cases.length)
    for (const [i, { expected }] of cases.entries()) {
      const answer = JSON.parse(run.lines[i] ?? '') as {
        im: number
        mm: number
        mtm: number
        scenarios: { name: string; loss: number }[]
      }
      expect(Object.keys(answer)).toEqual(['mm', 'im', 'mtm', 'scenarios'])
      const near = (actual: number, wanted: number, least = 0) =>
        expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(
          Math.max(1e-12 * Math.abs(wanted), least),
        )
      near(answer.im, expected.initialUsd)
      near(answer.mm, expected.maintenanceUsd)
      near(answer.mtm, expected.equityUsd)
      expect(answer.scenarios.map(({ loss }) => loss)).toHaveLength(expected.losses.length)
      for (const [k, wanted] of expected.losses.entries()) {
        const loss = answer.scenarios[k]?.loss ?? NaN
        near(loss, wanted, 1e-15 * expected.grossNotionalUsd)
      }
    }
  })
})
