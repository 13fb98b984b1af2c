import type { z } from 'zod'
import { BaseError } from '../protocol/errors.ts'

/** What a program was given to start with breaks a rule: its environment, its files or its keys. */
export class ConfigError extends BaseError {
  override readonly name = 'ConfigError'

  /**
   * @param shortMessage - The rule that is broken.
   * @param metaMessages - One line per fault; never a secret's value.
   */
  constructor(shortMessage: string, metaMessages: readonly string[] = [], cause?: unknown) {
    super(shortMessage, { code: 'CONFIG_INVALID', retryable: false, metaMessages, cause })
  }
}

/** Turns a schema's findings into one line per fault: where it is and which rule it breaks. */
export function describeIssues(error: z.ZodError): readonly string[] {
  return error.issues.map(({ path, message }) => {
    const place = path.map(String).join('.')
    return place === '' ? message : `${place}: ${message}`
  })
}
