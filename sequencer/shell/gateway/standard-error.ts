import type { TandemError } from '../../../sdk/protocol/errors.ts'

/** An answer whose code and data a standard of Ethereum fixes, not Tandem's registry. */
export class StandardRpcError extends Error {
  override readonly name = 'StandardRpcError'
  readonly rpcCode: number
  readonly data: unknown
  /** What the sequencer signs, where the request asked for a place in the log and is refused. */
  readonly refused: TandemError | undefined

  constructor(rpcCode: number, message: string, extra: { data?: unknown; refused?: TandemError }) {
    super(message)
    this.rpcCode = rpcCode
    this.data = extra.data
    this.refused = extra.refused
  }
}
