import { assert } from '../../protocol/assert.ts'
import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import { ROW_WORDS, SMILE } from '../kernel/layout.ts'
import type { RiskParameters } from '../parameters.ts'
import type { Scenario } from '../scenarios.ts'

/** One column of every risk array: how it moves the forward and the smile. */
export type Column = {
  /** Factor on the variable part of the forward. */
  factor: number
  /** One of `SMILE`. */
  smile: number
}

/** What the columns of risk arrays stand for under a set of parameters. */
export type Columns = {
  /** Scenarios in their order, then what they lack of mark and basis moves. */
  list: readonly Column[]
  scenarios: readonly Scenario[]
  /** Index of the mark's column. */
  mark: number
  /** Indices of the columns of the two basis moves. */
  basisUp: number
  /** See `basisUp`. */
  basisDown: number
}

/**
 * Says what each column of a risk array is. Mark and basis moves share a scenario's column where the
 * grid has it, and stand behind the scenarios otherwise.
 *
 * @throws InvalidPortfolioError when the grid has more columns than a risk array, or an extension is
 * on: extensions need more than sums.
 */
export function columnsOf(parameters: RiskParameters): Columns {
  const { scenarios, basis, extensions = {} } = parameters
  const extended = Object.entries(extensions).filter(([, value]) => Boolean(value))
  if (extended.length > 0) {
    const values = extended.map(([name]) => name).join(', ')
    throw new InvalidPortfolioError('risk arrays serve parameters without extensions', values)
  }
  const list: Column[] = scenarios.map((scenario) =>
    scenario.kind === 'skew'
      ? { factor: 1, smile: scenario.shape === 'linear' ? SMILE.tilted : SMILE.lifted }
      : { factor: scenario.spotFactor, smile: SMILE[scenario.volatility] },
  )
  const place = (factor: number): number => {
    const found = list.findIndex(
      (column) => column.factor === factor && column.smile === SMILE.none,
    )
    return found >= 0 ? found : list.push({ factor, smile: SMILE.none }) - 1
  }
  const mark = place(1)
  const basisUp = place(basis.factorUp)
  const basisDown = place(basis.factorDown)
  if (list.length > ROW_WORDS) {
    const values = `${list.length} columns, limit ${ROW_WORDS}`
    throw new InvalidPortfolioError('a grid fits a risk array', values)
  }
  assert(mark < list.length, 'the mark has a column')
  return { list, scenarios, mark, basisUp, basisDown }
}
