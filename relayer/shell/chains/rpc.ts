import { BaseError } from '../../../sdk/protocol/errors.ts'
import { createWindow } from './window.ts'

/** Access to one chain's Ethereum JSON-RPC. */
export type Rpc = {
  readonly chainId: number
  /** Calls a method; calls made in one turn of the event loop travel as one array. */
  call: <T>(method: string, params: readonly unknown[]) => Promise<T>
  /** Sends an array of calls by itself, in order, and gives each answer or error. */
  ordered: (calls: readonly RpcCall[]) => Promise<readonly RpcAnswer[]>
}

/** One JSON-RPC call. */
export type RpcCall = { method: string; params: readonly unknown[] }

/** A call's result, or the error that the node gave for it. */
export type RpcAnswer = { status: 'ok'; result: unknown } | { status: 'error'; error: RpcError }

/** What {@link createRpc} needs. */
export type RpcOptions = {
  chainId: number
  url: string
  /** Milliseconds that a reading request may take. */
  readTimeoutMs?: number | undefined
  /** Milliseconds that a sending request may take. */
  sendTimeoutMs?: number | undefined
  /** Told of each request: its method and how it ended. */
  onRequest?: ((method: string, status: 'success' | 'failure') => void) | undefined
}

const BATCH_MAX = 50
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

type Waiting = RpcCall & { resolve: (value: unknown) => void; reject: (error: unknown) => void }

/** Opens access to a chain; nothing is sent until the first call. */
export function createRpc(options: RpcOptions): Rpc {
  const { chainId, url, readTimeoutMs = 2_000, sendTimeoutMs = 5_000, onRequest } = options
  const queue: Waiting[] = []
  const window = createWindow()
  let id = 0

  const exchange = async (calls: readonly RpcCall[], timeoutMs: number) => {
    const first = id + 1
    id += calls.length
    const body = calls.map(({ method, params }, i) => ({
      jsonrpc: '2.0',
      id: first + i,
      method,
      params,
    }))
    const status = (ok: boolean) => {
      for (const { method } of calls) onRequest?.(method, ok ? 'success' : 'failure')
    }
    try {
      const answers = await post(url, body, timeoutMs)
      status(true)
      return calls.map((call, i) =>
        answerOf(answers.get(first + i), { chainId, method: call.method }),
      )
    } catch (error) {
      status(false)
      throw new RpcTransportError(chainId, calls[0]?.method ?? '', error)
    }
  }

  const settle = (waiting: readonly Waiting[], answers: readonly RpcAnswer[]) => {
    let refused = false
    for (const [i, { method, resolve, reject }] of waiting.entries()) {
      const answer = answers[i]
      if (answer?.status === 'ok') resolve(answer.result)
      else if (answer !== undefined && isRefusal(answer.error)) {
        refused = true
        reject(new RpcTransportError(chainId, method, new RefusedError(answer.error.rpcMessage)))
      } else reject(answer?.error)
    }
    window.leave(refused ? 'refused' : 'answered')
  }

  const flush = async () => {
    // Calls that come while there is no place travel in the same array.
    await window.enter()
    const waiting = queue.splice(0, BATCH_MAX)
    if (queue.length > 0) setImmediate(() => void flush())
    try {
      settle(waiting, await exchange(waiting, readTimeoutMs))
    } catch (error) {
      const refused = error instanceof RpcTransportError && error.kind === 'refused'
      window.leave(refused ? 'refused' : 'failed')
      for (const { reject } of waiting) reject(error)
    }
  }

  const call = <T>(method: string, params: readonly unknown[]) =>
    new Promise<T>((resolve, reject) => {
      queue.push({ method, params, resolve: resolve as (value: unknown) => void, reject })
      if (queue.length === 1) setImmediate(() => void flush())
    })
  return { chainId, call, ordered: (calls) => exchange(calls, sendTimeoutMs) }
}

async function post(
  url: string,
  body: unknown,
  timeoutMs: number,
): Promise<Map<number, Record<string, unknown>>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = await limitedText(response)
  if (response.status === 429) throw new RefusedError('HTTP 429')
  if (!response.ok && !text.startsWith('[')) throw new Error(`HTTP ${response.status}`)
  const parsed: unknown = JSON.parse(text)
  const answers = Array.isArray(parsed) ? parsed : [parsed]
  const byId = new Map<number, Record<string, unknown>>()
  for (const answer of answers as Record<string, unknown>[]) {
    // An error without an id is about the request as a whole.
    if (answer['id'] === null || answer['id'] === undefined)
      throw new Error(JSON.stringify(answer['error']))
    byId.set(Number(answer['id']), answer)
  }
  return byId
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`answer above ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function answerOf(
  answer: Record<string, unknown> | undefined,
  where: { chainId: number; method: string },
): RpcAnswer {
  if (answer === undefined) {
    return { status: 'error', error: new RpcError(where, { code: -32603, message: 'no answer' }) }
  }
  const fault = answer['error'] as { code?: number; message?: string; data?: unknown } | undefined
  if (fault === undefined || fault === null) return { status: 'ok', result: answer['result'] }
  const { code = -32603, message = 'unknown', data } = fault
  return { status: 'error', error: new RpcError(where, { code, message, data }) }
}

/** A node answered a call with an error. */
export class RpcError extends BaseError {
  override readonly name = 'RpcError'
  /** The node's own error code. */
  readonly rpcCode: number
  /** The node's own words. */
  readonly rpcMessage: string
  readonly data: unknown

  constructor(
    { chainId, method }: { chainId: number; method: string },
    { code, message, data }: { code: number; message: string; data?: unknown },
  ) {
    super(`Chain ${chainId} answered ${method} with an error.`, {
      code: 'RPC_ERROR',
      retryable: false,
      metaMessages: [`${code}: ${message}`],
    })
    this.rpcCode = code
    this.rpcMessage = message
    this.data = data
  }
}

/** Codes of nodes and providers for "too many requests". */
const REFUSAL_CODES: readonly number[] = [429, -32_005]

function isRefusal({ rpcCode, rpcMessage }: RpcError): boolean {
  return REFUSAL_CODES.includes(rpcCode) || /rate limit|too many requests/i.test(rpcMessage)
}

/** A provider wants fewer requests. */
class RefusedError extends Error {}

/** How a request failed to get an answer: nobody there, nothing in time, or too many requests. */
export type TransportFault = 'unreachable' | 'timeout' | 'refused'

/** A chain could not be reached, or not in time: nobody knows what became of the call. */
export class RpcTransportError extends BaseError {
  override readonly name = 'RpcTransportError'
  readonly kind: TransportFault

  constructor(chainId: number, method: string, cause: unknown) {
    super(`Chain ${chainId} did not answer ${method}.`, {
      code: 'RPC_UNREACHABLE',
      retryable: true,
      metaMessages: [String((cause as Error)?.message ?? cause)],
      cause,
    })
    const timedOut = (cause as Error)?.name === 'TimeoutError'
    this.kind = cause instanceof RefusedError ? 'refused' : timedOut ? 'timeout' : 'unreachable'
  }
}
