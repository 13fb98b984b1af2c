import { decodeErrorResult, isHex, size, type Hex } from 'viem'
import type { RpcError } from './rpc.ts'

const REASON_CHARS_MAX = 200

const solidityErrors = [
  { type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] },
  { type: 'error', name: 'Panic', inputs: [{ name: 'code', type: 'uint256' }] },
] as const

/** Says in words why a call reverted: its text, else its selector, else the node's own words. */
export function decodeRevert({ data, rpcMessage }: RpcError): string {
  const bytes = revertBytes(data)
  if (bytes === undefined || size(bytes) < 4) return rpcMessage.slice(0, REASON_CHARS_MAX)
  try {
    const { errorName, args } = decodeErrorResult({ abi: solidityErrors, data: bytes })
    return `${errorName}(${String(args[0])})`.slice(0, REASON_CHARS_MAX)
  } catch {
    // A contract's own error: its selector is what an operator can look up.
    return `error ${bytes.slice(0, 10)}`
  }
}

/** Says whether an error is about the execution itself, not about reaching the node. */
export function isRevert({ rpcCode, rpcMessage }: RpcError): boolean {
  return rpcCode === 3 || /revert|out of ?gas|gas required exceeds|invalid opcode/i.test(rpcMessage)
}

function revertBytes(data: unknown): Hex | undefined {
  if (isHex(data)) return data
  const inner = (data as { data?: unknown } | null | undefined)?.data
  return isHex(inner) ? inner : undefined
}
