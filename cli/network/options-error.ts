import { BaseError } from '../../sdk/protocol/errors.ts'

/** What a network was asked to start with does not fit. */
export class NetworkOptionsError extends BaseError {
  override readonly name = 'NetworkOptionsError'

  constructor(shortMessage: string, metaMessages: readonly string[]) {
    super(shortMessage, { code: 'NETWORK_OPTIONS', retryable: false, metaMessages })
  }
}
