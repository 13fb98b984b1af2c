import { explainMargin } from '../../sdk/risk/explain.ts'
import { explanationTable } from '../../sdk/risk/explanation-table.ts'
import { marginState } from '../../sdk/risk/margin-state.ts'
import { type Margin, computeMargin } from '../../sdk/risk/margin.ts'
import { RiskError } from '../../sdk/risk/risk-error.ts'
import { scenarioName } from '../../sdk/risk/scenarios.ts'
import { type MarginCase, readMarginCase } from './margin-case.ts'
import { readPm2Case } from './pm2.ts'

/** How the lines of `margin` and `explain` are written. */
export type MarginFormat = 'tandem' | 'pm2'

/**
 * Answers a line of `tandem risk margin`: I, M and E of a portfolio and its profit or loss in every
 * scenario, summed over underlyings.
 */
export function marginLine(value: unknown, format: MarginFormat): object {
  const given = readCase(value, format)
  const margin = marginOf(given)
  const scenarios = given.parameters.scenarios.map((scenario, i) => ({
    name: given.scenarioNames?.[i] ?? scenarioName(scenario),
    loss: margin.books.reduce((sum, book) => sum + (book.scenarios[i]?.pnlUsd ?? 0), 0),
  }))
  const answer = {
    mm: margin.maintenanceUsd,
    im: margin.initialUsd,
    mtm: margin.equityUsd,
    scenarios,
  }
  return format === 'pm2' ? answer : { ...answer, state: marginState(margin) }
}

/** Answers a line of `tandem risk explain`: every row from equity to I and M, as JSON or as a table. */
export function explainLine(value: unknown, format: MarginFormat, table: boolean): object | string {
  const { parameters, ...given } = readCase(value, format)
  const margin = marginOf({ ...given, parameters })
  const explanation = explainMargin(margin, parameters)
  if (table) return explanationTable(explanation, marginState(margin))
  return {
    mm: margin.maintenanceUsd,
    im: margin.initialUsd,
    mtm: margin.equityUsd,
    state: marginState(margin),
    ...explanation,
  }
}

function readCase(value: unknown, format: MarginFormat): MarginCase {
  return format === 'pm2' ? readPm2Case(value) : readMarginCase(value)
}

function marginOf({ portfolio, market, parameters }: MarginCase): Margin {
  const margin = computeMargin(portfolio, market, parameters)
  for (const name of ['initialUsd', 'maintenanceUsd', 'equityUsd'] as const) {
    if (Number.isFinite(margin[name])) continue
    const rule = 'the result is within the range of a double'
    throw new RiskError('OUT_OF_RANGE', rule, { path: name, actual: String(margin[name]) })
  }
  return margin
}
