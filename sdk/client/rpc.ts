import {
  BaseError,
  ERRORS,
  TandemError,
  type ErrorName,
  type ErrorValues,
} from '../protocol/errors.ts'
import type { SignedRefusal } from '../protocol/receipt.ts'
import { decodeRefusal, type WireRefusal } from '../protocol/wire.ts'

/** An answer of the gateway that is no error of Tandem's registry. */
export class GatewayError extends BaseError {
  override readonly name = 'GatewayError'

  constructor(method: string, detail: string, cause?: unknown) {
    super(`The gateway did not answer ${method} as expected.`, {
      code: 'GATEWAY',
      retryable: true,
      metaMessages: [detail],
      cause,
    })
  }
}

/** A request that the sequencer refused, with the refusal that it signed. */
export class RefusedError extends TandemError {
  readonly refusal: SignedRefusal | undefined

  constructor(errorName: ErrorName, values: ErrorValues, refusal: SignedRefusal | undefined) {
    super(errorName, values)
    this.refusal = refusal
  }
}

/** Sends one JSON-RPC request and gives its result. */
export type RpcCall = <T>(method: string, params: readonly unknown[]) => Promise<T>

type RpcAnswer = {
  result?: unknown
  error?: { code: number; message: string; data?: unknown }
}

/**
 * Makes a JSON-RPC caller for the gateway; bigints travel as hexadecimal quantities.
 *
 * @param url - The gateway's JSON-RPC URL.
 * @param timeoutMs - After which a call is given up.
 * @returns A caller that throws {@link RefusedError} for errors of the registry.
 */
export function rpcCaller(url: string, timeoutMs = 10_000): RpcCall {
  let id = 0
  return async <T>(method: string, params: readonly unknown[]): Promise<T> => {
    id += 1
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params }, quantity)
    const answer = await post(url, method, body, timeoutMs)
    if (answer.error) throw asError(method, answer.error)
    return answer.result as T
  }
}

async function post(
  url: string,
  method: string,
  body: string,
  timeoutMs: number,
): Promise<RpcAnswer> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (cause) {
    throw new GatewayError(method, `No answer from ${url}.`, cause)
  }
  const text = await response.text()
  try {
    return JSON.parse(text) as RpcAnswer
  } catch (cause) {
    throw new GatewayError(method, `HTTP ${response.status}: ${text.slice(0, 200)}`, cause)
  }
}

function asError(method: string, error: { code: number; message: string; data?: unknown }): Error {
  const data = (error.data ?? {}) as {
    name?: string
    values?: ErrorValues
    refusal?: WireRefusal
  }
  if (data.name !== undefined && data.name in ERRORS) {
    const refusal = data.refusal === undefined ? undefined : decodeRefusal(data.refusal)
    return new RefusedError(data.name as ErrorName, data.values ?? {}, refusal)
  }
  return new GatewayError(method, `${error.code}: ${error.message}`)
}

function quantity(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value
}
