import { RiskError } from './risk-error.ts'

/** A portfolio cannot be margined: a position has no mark, or a figure is no number. */
export class InvalidPortfolioError extends RiskError {
  override readonly name = 'InvalidPortfolioError'

  constructor(rule: string, value: string) {
    super('INVALID_PORTFOLIO', rule, { actual: value })
  }
}
