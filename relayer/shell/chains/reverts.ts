import { isHex, size } from 'viem/utils'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { describeRevert } from '../../../sdk/protocol/revert.ts'
import type { RpcError } from './rpc.ts'

const REASON_CHARS_MAX = 200

/** Says in words why a call reverted: the decoded error where there is data, else the node's words. */
export async function decodeRevert({ data, rpcMessage }: RpcError): Promise<string> {
  const bytes = revertBytes(data)
  if (bytes === undefined || size(bytes) < 4) return rpcMessage.slice(0, REASON_CHARS_MAX)
  // Every contract's errors are large, and most runs meet none.
  const { contractErrors } = await import('../../../sdk/abi/errors.ts')
  return describeRevert(bytes, contractErrors).slice(0, REASON_CHARS_MAX)
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
