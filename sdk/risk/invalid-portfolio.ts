import { BaseError } from '../protocol/errors.ts'

/** A portfolio cannot be margined: a position has no mark, or a figure is no number. */
export class InvalidPortfolioError extends BaseError {
  override readonly name = 'InvalidPortfolioError'

  constructor(rule: string, value: string) {
    super(`The portfolio breaks the rule "${rule}".`, {
      code: 'INVALID_PORTFOLIO',
      retryable: false,
      metaMessages: [value],
    })
  }
}
