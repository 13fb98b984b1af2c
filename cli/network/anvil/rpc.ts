import { BaseError } from '../../../sdk/protocol/errors.ts'

/** Sends one JSON-RPC request to a node and gives its result. */
export type Rpc = <T>(method: string, params?: readonly unknown[]) => Promise<T>

/**
 * Makes a JSON-RPC caller for a node of this machine.
 *
 * @param timeoutMs - Milliseconds until an unanswered request fails.
 */
export function nodeRpc(url: string, timeoutMs = 30_000): Rpc {
  let id = 0
  return async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    id += 1
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const { result, error } = (await response.json()) as {
      result?: T
      error?: { message: string; data?: unknown }
    }
    if (error !== undefined) throw new NodeRpcError(method, error.message, error.data)
    return result as T
  }
}

/** A node refused a request. */
export class NodeRpcError extends BaseError {
  override readonly name = 'NodeRpcError'

  constructor(method: string, reason: string, data: unknown) {
    super(`The node refused ${method}: ${reason}.`, {
      code: 'NODE_REFUSED',
      retryable: false,
      metaMessages: data === undefined ? [] : [`data: ${JSON.stringify(data)}`],
    })
  }
}
