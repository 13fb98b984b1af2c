import { BaseError } from '../../../sdk/protocol/errors.ts'

/** The sequencer's log: records by height, from 0, without gaps. */
export type LogStore = {
  /** Height of the last record; -1 when there is none. */
  tip: () => number
  /**
   * Adds the record of the next height. Calls may overlap; they become durable in order.
   *
   * @returns When the record, and all before it, survive a crash.
   * @throws {@link LogError} when the height is not the next one, or the record cannot be kept: then
   * nothing more may be acknowledged.
   */
  append: (height: number, record: Uint8Array) => Promise<void>
  /** Lowest height after 0 that can be read: above 1 once older records were pruned. */
  first: () => number
  /**
   * Gives the records from `height` on, up to the tip at the time of the call.
   *
   * @throws {@link LogError} when a record was pruned, or is not what was written.
   */
  read: (height: number) => AsyncIterable<{ height: number; record: Uint8Array }>
  /** Gives one record, or undefined beyond the tip. */
  readOne: (height: number) => Promise<Uint8Array | undefined>
  /** Deletes what can be deleted of the records from height 1 up to, not with, `below`. */
  prune: (below: number) => Promise<void>
  close: () => Promise<void>
}

/** The log breaks one of its rules: what it holds, or what is asked of it. */
export class LogError extends BaseError {
  override readonly name = 'LogError'

  constructor(rule: string, values: readonly string[], cause?: unknown) {
    super(`The log breaks a rule: ${rule}.`, {
      code: 'LOG',
      retryable: false,
      metaMessages: values,
      cause,
    })
  }
}
