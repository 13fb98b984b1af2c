import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { BaseError } from '../../../sdk/protocol/errors.ts'

/** A part of the network did not start. */
export class StartFailedError extends BaseError {
  override readonly name = 'StartFailedError'

  constructor(service: string, logFile: string, cause: unknown) {
    super(`${service} did not start: ${(cause as Error).message}.`, {
      code: 'START_FAILED',
      retryable: true,
      metaMessages: [`log: ${logFile}`, ...lastLines(logFile)],
      cause,
    })
  }
}

const tailBytes = 4_096
const tailLines = 8

/** The end of a log, for whoever reads the error; empty when there is none. */
function lastLines(path: string): string[] {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return []
  }
  try {
    const { size } = fstatSync(file)
    const buffer = Buffer.alloc(Math.min(size, tailBytes))
    readSync(file, buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString().trimEnd().split('\n').slice(-tailLines)
  } finally {
    closeSync(file)
  }
}
