import { decodeAbiParameters } from 'viem/utils'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { VOID_REASON_BYTES, type Voided } from '../../../sdk/protocol/entry.ts'
import { errorMessage, type ErrorValues } from '../../../sdk/protocol/errors.ts'
import type { Fault } from './entry.ts'
import type { LegOutcome } from './execution.ts'

const ERROR_STRING = '0x08c379a0'
const PANIC = '0x4e487b71'

/**
 * Says why a leg failed as far as its revert data tells without the contract's ABI, and repeats the
 * data (cut at the limit) so that whoever has the ABI can decode it.
 */
export function failureValues(outcome: LegOutcome, gasLimit: bigint): ErrorValues {
  const { output, gasUsed } = outcome
  const digits = 2 + LIMITS.revertBytes * 2
  return {
    reason: decodeRevert(output, { gasUsed, gas: gasLimit }),
    output: output.slice(0, digits),
    gasUsed: gasUsed.toString(),
  }
}

/** Verdict on an entry that stands without effect. */
export function voidedBy({ error, values }: Fault): Voided {
  const { leg = 0 } = values
  const text = `${error}: ${errorMessage(error, values)}`
  // The record's limit is in bytes: what is not ASCII comes from revert data and is not kept.
  const reason = text.replaceAll(/[^ -~]/g, '?').slice(0, VOID_REASON_BYTES)
  return { leg: Number(leg), reason }
}

/** Why a leg failed, in words, as far as its revert data tells. */
export function decodeRevert(
  output: string,
  { gasUsed, gas }: { gasUsed: bigint; gas: bigint },
): string {
  const selector = output.slice(0, 10)
  if (selector === ERROR_STRING) return decoded('string', output) ?? 'reverted'
  if (selector === PANIC) return `panic ${decoded('uint256', output) ?? 'unknown'}`
  if (output.length >= 10) return `reverted with ${selector}`
  return gasUsed >= gas ? 'out of gas' : 'reverted without data'
}

function decoded(type: 'string' | 'uint256', output: string): string | undefined {
  try {
    const [value] = decodeAbiParameters([{ type }], `0x${output.slice(10)}`)
    return String(value).slice(0, LIMITS.revertBytes)
  } catch {
    // Revert data comes from any contract: what does not decode is shown as bytes.
    return undefined
  }
}
