import { BaseError } from '../../../sdk/protocol/errors.ts'

/** The genesis of a network could not be made, read or trusted. */
export class GenesisError extends BaseError {
  override readonly name = 'GenesisError'

  constructor(shortMessage: string, metaMessages: readonly string[] = [], cause?: unknown) {
    super(shortMessage, { code: 'GENESIS_INVALID', retryable: false, metaMessages, cause })
  }
}
