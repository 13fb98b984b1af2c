import type { ErrorName } from '../../../sdk/protocol/errors.ts'

/** Words by which wallets and libraries know an error, whoever says it. */
const phrases: Partial<Record<ErrorName, string>> = {
  NONCE_TOO_LOW: 'nonce too low',
  NONCE_GAP: 'nonce too high',
  INSUFFICIENT_FUNDS: 'insufficient funds for gas * price + value',
  FEE_TOO_LOW: 'max fee per gas less than block base fee',
  UNDERPRICED: 'replacement transaction underpriced',
  ALREADY_KNOWN: 'already known',
}

/** Puts the words that clients look for before an error's sentence. */
export function conventional(name: ErrorName, sentence: string): string {
  const phrase = phrases[name]
  return phrase === undefined ? sentence : `${phrase}: ${sentence}`
}
