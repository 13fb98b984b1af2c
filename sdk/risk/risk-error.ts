import { BaseError } from '../protocol/errors.ts'

/** An input that the risk engine refuses: the rule that it breaks and the values, apart and as text. */
export class RiskError extends BaseError {
  override readonly name: string = 'RiskError'
  readonly rule: string
  readonly values: Readonly<Record<string, string | number>>

  constructor(code: string, rule: string, values: Readonly<Record<string, string | number>>) {
    super(`The input breaks the rule "${rule}".`, {
      code,
      retryable: false,
      metaMessages: Object.entries(values).map(([key, value]) => `${key}: ${value}`),
    })
    this.rule = rule
    this.values = values
  }
}
