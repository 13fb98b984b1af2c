import type { Abi } from 'viem'
import { decodeErrorResult } from 'viem/utils'
import type { Hex } from './hex.ts'

const SELECTOR_LENGTH = 10
const SHOWN_LENGTH = 138

/** Errors that Solidity itself knows. */
const SOLIDITY_ERRORS = [
  { type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] },
  { type: 'error', name: 'Panic', inputs: [{ name: 'code', type: 'uint256' }] },
] as const satisfies Abi

/**
 * Says in words why a call reverted: `CapacityExceeded(account: 0x…, needed18: 5, available18: 3)`.
 *
 * @param output - Revert data as the node gave it.
 * @param errors - Custom errors that may be in it.
 * @returns The bare data, shortened, when no error fits; `no reason given` when there is none.
 */
export function describeRevert(output: Hex, errors: Abi): string {
  if (output.length < SELECTOR_LENGTH) return 'no reason given'
  try {
    const abi = [...SOLIDITY_ERRORS, ...errors] as Abi
    const { errorName, args, abiItem } = decodeErrorResult({ abi, data: output })
    if (errorName === 'Error') return String((args as readonly unknown[])[0])
    const inputs = 'inputs' in abiItem ? abiItem.inputs : []
    const shown = (args ?? []).map((value, i) => {
      const name = inputs[i]?.name
      return name ? `${name}: ${shownValue(value)}` : shownValue(value)
    })
    return `${errorName}(${shown.join(', ')})`
  } catch {
    // Data of a contract that is not ours: it is shown as it came.
    return output.length > SHOWN_LENGTH ? `${output.slice(0, SHOWN_LENGTH)}…` : output
  }
}

function shownValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shownValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([key, field]) => `${key}: ${shownValue(field)}`)
    return `{${fields.join(', ')}}`
  }
  return String(value)
}
