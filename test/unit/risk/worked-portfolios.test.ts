import { describe, expect, test } from 'vitest'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { outsideFile, vectors } from '../../outside.ts'
import { readWorkedPortfolios } from './worked-portfolios.ts'

const path = outsideFile(vectors, 'derive_pm2_portfolios.json', 83)
const cases = path === undefined ? [] : readWorkedPortfolios(path)

/** |actual − expected| over the larger of the expected figure and a floor. */
function relativeError(actual: number, expected: number, floor = 0): number {
  const difference = Math.abs(actual - expected)
  return difference === 0 ? 0 : difference / Math.max(Math.abs(expected), floor)
}

describe.skipIf(cases.length === 0)('worked portfolios of PM2', () => {
  test('there are 83 of them', () => {
    expect(cases.length).toBe(83)
  })

  test.each(cases)('$name has the margin that the source computed', (worked) => {
    const { portfolio, market, parameters, expected } = worked
    const margin = computeMargin(portfolio, market, parameters)

    expect(relativeError(margin.initialUsd, expected.initialUsd)).toBeLessThan(1e-12)
    expect(relativeError(margin.maintenanceUsd, expected.maintenanceUsd)).toBeLessThan(1e-12)
    expect(relativeError(margin.equityUsd, expected.equityUsd)).toBeLessThan(1e-12)
    const book = margin.books[0]
    const floor = 1e-3 * expected.grossNotionalUsd
    expect(relativeError(book?.basisUsd ?? 0, expected.basisUsd, floor)).toBeLessThan(1e-12)
    const outcomes = book?.scenarios.map((outcome) => outcome.pnlUsd) ?? []
    for (const [i, loss] of expected.losses.entries()) {
      if (outcomes.length === 0 && loss === 0) continue
      expect(relativeError(outcomes[i] ?? NaN, loss, floor)).toBeLessThan(1e-12)
    }
  })
})
