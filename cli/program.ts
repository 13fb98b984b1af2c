import { CommanderError } from 'commander'
import { BaseError } from '../sdk/protocol/errors.ts'

/** Runs a command line: what a user can mend is said in words, with an exit code; a bug is thrown. */
export async function runProgram(parse: () => Promise<unknown>): Promise<void> {
  try {
    await parse()
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode
    } else if (error instanceof BaseError) {
      process.stderr.write(`${error.message}\n`)
      process.exitCode = 1
    } else {
      throw error
    }
  }
}
