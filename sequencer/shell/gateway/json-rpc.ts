import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import type { z } from 'zod'
import { InvariantError } from '../../../sdk/protocol/assert.ts'
import { errorMessage, ERRORS, TandemError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { SignedRefusal } from '../../../sdk/protocol/receipt.ts'
import { encodeRefusal } from '../../../sdk/protocol/wire.ts'
import { NodeLostError } from '../drivers/driver.ts'
import { NodeRpcError } from '../drivers/ipc.ts'
import { RefusedError } from '../port.ts'
import { conventional } from './conventional.ts'
import type { GatewayMetrics } from './metrics.ts'
import { StandardRpcError } from './standard-error.ts'

/** One method: the shape of its parameters and what it does. */
export type RpcMethod = {
  /** A tuple: parameters in their order. */
  schema: z.ZodType
  handle: (params: never, origin: RpcOrigin) => unknown
  /** What it refuses is signed: the method asks for a place in the log. */
  signed: boolean
}

/** Methods by name. */
export type RpcMethods = ReadonlyMap<string, RpcMethod>

/** Where a request came from: a WebSocket can subscribe, a POST can be signed as a whole. */
export type RpcOrigin = {
  subscriber?: Subscriber | undefined
  /**
   * Who signed the body, in lower case; absent when nobody says so.
   *
   * @throws {@link TandemError} BAD_SIGNATURE when another key did.
   */
  signer?: (() => Address) | undefined
}

/** The connection behind a subscription. */
export type Subscriber = {
  /** Begins a subscription; `stop` is called when it ends. */
  add: (begin: (push: (result: unknown) => void) => () => void) => string
  remove: (id: string) => boolean
}

/** What answers requests at one endpoint. */
export type RpcEndpoint = {
  name: string
  methods: RpcMethods
  /** Signs a refusal of input that never became an entry. */
  refuse: (requestHash: Hash, error: TandemError) => SignedRefusal
  metrics: GatewayMetrics
  log: Logger
}

type Id = string | number | null
type RpcError = { code: number; message: string; data?: unknown; refusal?: unknown }
type Answer = { jsonrpc: '2.0'; id: Id } & ({ result: unknown } | { error: RpcError })

const parseError = -32_700
const invalidRequest = -32_600
const unknownMethod = -32_601
const internalError = -32_603
const nameLengthMax = 64
const shortAnswer = 4_096
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Makes a method whose parameters have a shape. */
export function method<S extends z.ZodType>(
  schema: S,
  handle: (params: z.output<S>, origin: RpcOrigin) => unknown,
  { signed = false } = {},
): RpcMethod {
  return { schema, handle: handle as RpcMethod['handle'], signed }
}

/** Answers the bytes of one request or array of requests with the text of the answer. */
export async function answerBytes(
  endpoint: RpcEndpoint,
  bytes: Uint8Array,
  origin: RpcOrigin = {},
): Promise<string> {
  const answer = await answerMessage(endpoint, bytes, origin)
  return Array.isArray(answer) ? arrayText(answer) : textOf(answer)
}

/** Writes an array of answers; those that make it too long are answered with that. */
function arrayText(answers: readonly Answer[]): string {
  let room: number = LIMITS.rpcAnswerBytes
  const texts = answers.map((answer) => {
    const text = textOf(answer)
    room -= text.length
    // Short answers always fit: what a sent transaction is answered with is never lost.
    if (room >= 0 || text.length <= shortAnswer) return text
    const values = { what: 'answer to the array', actual: 'more', limit: LIMITS.rpcAnswerBytes }
    const error = registered(new TandemError('TOO_LARGE', values), undefined)
    return JSON.stringify(failure(answer.id, error))
  })
  return `[${texts.join(',')}]`
}

/**
 * Writes the answer to a request of which no method was looked at.
 *
 * @param bytes - The request's, where they are known: then the refusal is signed.
 */
export function refusalText(endpoint: RpcEndpoint, error: TandemError, bytes?: Uint8Array): string {
  return textOf(failure(null, describe(endpoint, error, bytes)))
}

async function answerMessage(
  endpoint: RpcEndpoint,
  bytes: Uint8Array,
  origin: RpcOrigin,
): Promise<Answer | Answer[]> {
  let message: unknown
  try {
    message = JSON.parse(decoder.decode(bytes))
  } catch {
    return failure(null, framing(parseError, 'the body is JSON in UTF-8', 'body'))
  }
  if (!Array.isArray(message)) return await answerOne(endpoint, message, bytes, origin)
  if (message.length === 0) {
    return failure(null, framing(invalidRequest, 'an array holds a request', 'body'))
  }
  if (message.length > LIMITS.rpcBatch) {
    const values = { what: 'array of requests', actual: message.length, limit: LIMITS.rpcBatch }
    return failure(null, describe(endpoint, new TandemError('TOO_LARGE', values), undefined))
  }
  // All begin in their order before any ends: transactions of one sender keep theirs.
  return await Promise.all(message.map((each) => answerOne(endpoint, each, bytes, origin)))
}

async function answerOne(
  endpoint: RpcEndpoint,
  request: unknown,
  bytes: Uint8Array,
  origin: RpcOrigin,
): Promise<Answer> {
  const fault = framingFault(request)
  const id = idOf(request)
  if (fault !== undefined) return failure(id, framing(invalidRequest, fault.rule, fault.path))
  const { method: name, params = [] } = request as { method: string; params?: unknown[] }
  const found = endpoint.methods.get(name)
  if (found === undefined) {
    endpoint.metrics.count(endpoint.name, 'other', 'unknown_method')
    const path = `method ${name.slice(0, nameLengthMax)}`
    return failure(id, framing(unknownMethod, 'the method is one that is served here', path))
  }
  const startMs = performance.now()
  const release = endpoint.metrics.begin()
  try {
    if (release === undefined) {
      throw new TandemError('OVERLOADED', {
        queue: 'gateway',
        actual: LIMITS.rpcInFlight,
        limit: LIMITS.rpcInFlight,
      })
    }
    const parsed = found.schema.safeParse(params)
    if (!parsed.success) throw shapeError(parsed.error, params)
    const result = await found.handle(parsed.data as never, origin)
    endpoint.metrics.count(endpoint.name, name, 'ok')
    return { jsonrpc: '2.0', id, result: result ?? null }
  } catch (error) {
    endpoint.metrics.count(endpoint.name, name, 'error')
    return failure(id, describe(endpoint, error, found.signed ? bytes : undefined))
  } finally {
    release?.()
    endpoint.metrics.observe(name, (performance.now() - startMs) / 1_000)
  }
}

function framingFault(request: unknown): { rule: string; path: string } | undefined {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return { rule: 'a request is an object', path: 'body' }
  }
  const { jsonrpc, id, method: name, params } = request as Record<string, unknown>
  if (jsonrpc !== '2.0') return { rule: 'jsonrpc is "2.0"', path: 'jsonrpc' }
  if (typeof id !== 'string' && typeof id !== 'number' && id !== null) {
    return { rule: 'id is text, a number or null', path: 'id' }
  }
  if (typeof name !== 'string') return { rule: 'method is text', path: 'method' }
  if (params !== undefined && !Array.isArray(params)) {
    return { rule: 'params is an array', path: 'params' }
  }
  return undefined
}

function idOf(request: unknown): Id {
  if (typeof request !== 'object' || request === null) return null
  const { id } = request as { id?: unknown }
  return typeof id === 'number' || (typeof id === 'string' && id.length <= 256) ? id : null
}

/** Turns a shape's first finding into an error with rule and place. */
export function shapeError(error: z.ZodError, input: unknown): TandemError {
  const issue = error.issues[0]
  if (issue === undefined) return new TandemError('INVALID_REQUEST', { rule: 'valid', path: '' })
  const path = ['params', ...issue.path.map(String)].join('.')
  if (issue.code === 'too_big' && issue.origin === 'array') {
    const actual = issue.path.reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
      input,
    )
    return new TandemError('TOO_LARGE', {
      what: `array ${path}`,
      actual: Array.isArray(actual) ? actual.length : 'more',
      limit: Number(issue.maximum),
    })
  }
  return new TandemError('INVALID_REQUEST', { rule: issue.message, path })
}

/** Says what is wrong; `requestBytes` are given where the refusal must be signed. */
function describe(
  endpoint: RpcEndpoint,
  error: unknown,
  requestBytes: Uint8Array | undefined,
): RpcError {
  if (error instanceof RefusedError) return registered(error, error.refusal)
  const sign = (refused: TandemError) =>
    requestBytes === undefined ? undefined : endpoint.refuse(keccak256(requestBytes), refused)
  if (error instanceof TandemError) return registered(error, sign(error))
  if (error instanceof StandardRpcError) {
    const { rpcCode: code, message, data, refused } = error
    const refusal = refused === undefined ? undefined : sign(refused)
    return {
      code,
      message,
      ...(data === undefined ? {} : { data }),
      ...(refusal === undefined ? {} : { refusal: encodeRefusal(refusal) }),
    }
  }
  if (error instanceof NodeRpcError) {
    const { rpcCode: code, rpcMessage: message, data } = error
    return data === undefined ? { code, message } : { code, message, data }
  }
  if (error instanceof NodeLostError) {
    const values = { what: `node of chain ${error.chainId}`, reason: 'it is being restored' }
    return registered(new TandemError('TRANSIENT', values), undefined)
  }
  // A broken rule of our own: the process must not go on.
  if (error instanceof InvariantError) throw error
  endpoint.log.error({ err: error }, 'request failed')
  return {
    code: internalError,
    message: 'The request failed inside the gateway; its log says why.',
  }
}

function registered(error: TandemError, refusal: SignedRefusal | undefined): RpcError {
  const { errorName, values, rpcCode, retryable } = error
  return {
    code: rpcCode,
    message: conventional(errorName, errorMessage(errorName, values)),
    data: {
      name: errorName,
      rule: ERRORS[errorName].message,
      values,
      retryable,
      ...(refusal === undefined ? {} : { refusal: encodeRefusal(refusal) }),
    },
  }
}

function framing(code: number, rule: string, path: string): RpcError {
  const { errorName, values, retryable } = new TandemError('INVALID_REQUEST', { rule, path })
  return {
    code,
    message: errorMessage(errorName, values),
    data: { name: errorName, rule: ERRORS[errorName].message, values, retryable },
  }
}

function failure(id: Id, error: RpcError): Answer {
  return { jsonrpc: '2.0', id, error }
}

/** Writes an answer. Few hold a bigint, and to look at every value for one is slow. */
function textOf(answer: Answer): string {
  try {
    return JSON.stringify(answer)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(answer, plain)
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value
}
