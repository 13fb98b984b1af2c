import { BaseError } from './errors.ts'
import type { Hex } from './hex.ts'
import type { Fields } from './rlp.ts'

/** A field that is a list. @throws {@link RecordError} when it is bytes. */
export function list(fields: Fields | undefined): readonly Fields[] {
  if (typeof fields === 'object') return fields
  throw new RecordError('a list stands here', fields ?? 'nothing')
}

/** A field that is bytes. @throws {@link RecordError} when it is a list. */
export function hex(field: Fields | undefined): Hex {
  if (typeof field === 'string') return field
  throw new RecordError('a byte string stands here', field === undefined ? 'nothing' : 'a list')
}

/** A field that is an unsigned integer. @throws {@link RecordError} when it is a list. */
export function big(field: Fields | undefined): bigint {
  const digits = hex(field)
  return digits === '0x' ? 0n : BigInt(digits)
}

/** A field that is an integer of at most 53 bits. @throws {@link RecordError} when it is none. */
export function int(field: Fields | undefined): number {
  const value = big(field)
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw new RecordError('an integer here is at most 2^53 - 1', String(value))
}

/** Bytes in the log are no record of this version. */
export class RecordError extends BaseError {
  override readonly name = 'RecordError'

  constructor(rule: string, actual: string, cause?: unknown) {
    super('A record of the log cannot be read.', {
      code: 'LOG_RECORD',
      retryable: false,
      metaMessages: [`rule: ${rule}`, `found: ${actual}`],
      cause,
    })
  }
}
