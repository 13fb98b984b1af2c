import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { concatBytes, uintBytes } from '../../../sdk/protocol/bytes.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'

/** Version of a batch's data: brotli over the records, each after its length as uint32. */
const DATA_VERSION = 1

/** Bytes of records in one batch: bounds what a follower unpacks at once. */
export const BATCH_RECORD_BYTES_MAX = 32 * 1024 * 1024

/** Packs consecutive records of the log for `l1`. */
export function packRecords(records: readonly Uint8Array[]): Uint8Array {
  const plain = concatBytes(records.flatMap((record) => [uintBytes(record.length, 4), record]))
  const packed = brotliCompressSync(plain, {
    params: {
      // Higher levels save a tenth more and take many times as long.
      [constants.BROTLI_PARAM_QUALITY]: 6,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  })
  return concatBytes([Uint8Array.of(DATA_VERSION), packed])
}

/**
 * Unpacks the records of a batch.
 *
 * @throws {@link BatchDataError} when the bytes are no such data, of another version, or too many.
 */
export function unpackRecords(data: Uint8Array): Uint8Array[] {
  const version = data[0]
  if (version !== DATA_VERSION) {
    throw new BatchDataError(`version ${version}; this program reads version ${DATA_VERSION}`)
  }
  const plain = unpack(data.subarray(1))
  const view = new DataView(plain.buffer, plain.byteOffset, plain.length)
  const records: Uint8Array[] = []
  let at = 0
  while (at < plain.length) {
    if (at + 4 > plain.length) throw new BatchDataError('the last length is cut off')
    const end = at + 4 + view.getUint32(at)
    if (end > plain.length) throw new BatchDataError('the last record is cut off')
    records.push(plain.subarray(at + 4, end))
    at = end
  }
  return records
}

function unpack(packed: Uint8Array): Uint8Array {
  try {
    return brotliDecompressSync(packed, { maxOutputLength: BATCH_RECORD_BYTES_MAX })
  } catch (cause) {
    throw new BatchDataError(`it cannot be unpacked: ${(cause as Error).message}`, cause)
  }
}

/** The data of a batch on `l1` cannot be read. */
export class BatchDataError extends BaseError {
  override readonly name = 'BatchDataError'

  constructor(reason: string, cause?: unknown) {
    super('The data of a batch on l1 cannot be read.', {
      code: 'BATCH_DATA',
      retryable: false,
      metaMessages: [reason],
      cause,
    })
  }
}
