import { connect, type Socket } from 'node:net'
import { BaseError } from '../../../sdk/protocol/errors.ts'

/** One call to a node: method and parameters. */
export type NodeCall = { method: string; params?: readonly unknown[] | undefined }

/** A connection to a node over its unix socket: JSON-RPC, one line per message. */
export type IpcConnection = {
  /**
   * Calls a method and gives its result.
   *
   * @throws {@link NodeRpcError} when the node refuses; {@link NodeTimeoutError} when it does not
   * answer in time; {@link NodeGoneError} when the connection is closed.
   */
  call: <T>(method: string, params?: readonly unknown[], timeoutMs?: number) => Promise<T>
  /** {@link IpcConnection.call} with parameters that are JSON text already. */
  callText: <T>(method: string, params: string, timeoutMs?: number) => Promise<T>
  /** Calls several methods in one message; the results, or what each was refused with, in order. */
  batch: (calls: readonly NodeCall[], timeoutMs?: number) => Promise<readonly BatchAnswer[]>
  /** Settles when the connection is closed, by whom ever. */
  closed: Promise<void>
  close: () => void
}

/** Answer to one call of a batch. */
export type BatchAnswer = { result: unknown } | { error: NodeRpcError }

/** Milliseconds that a call may take unless said otherwise. */
export const callTimeoutMsDefault = 10_000

/** Calls in one message that a node is known to keep in order. */
export const batchCallsMax = 25

type Answer = {
  id: number
  result?: unknown
  error?: { code: number; message: string; data?: unknown }
}
type Waiting = {
  method: string
  settle: (answers: Answer | readonly Answer[]) => void
  fail: (error: Error) => void
  timer: NodeJS.Timeout
}

/**
 * Connects to a node's unix socket.
 *
 * @throws the system's error when nothing listens there.
 */
export async function connectIpc(path: string): Promise<IpcConnection> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const connecting = connect(path, () => {
      connecting.off('error', reject)
      resolve(connecting)
    })
    connecting.once('error', reject)
  })
  return serveConnection(socket, path)
}

function serveConnection(socket: Socket, path: string): IpcConnection {
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let gone = false

  // 'close' follows every error and carries the consequences.
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      gone = true
      failAll(waiting)
      resolve()
    })
  })
  onLine(socket, (line) => {
    if (!settleAnswer(waiting, line)) socket.destroy()
  })

  const send: Send = (method, ids, textOf, timeoutMs = callTimeoutMsDefault) =>
    new Promise((settle, fail) => {
      if (gone) return fail(new NodeGoneError(method))
      const id = nextId
      nextId += ids
      const timer = setTimeout(() => {
        waiting.delete(id)
        fail(new NodeTimeoutError(method, timeoutMs, path))
      }, timeoutMs)
      waiting.set(id, { method, settle, fail, timer })
      socket.write(`${textOf(id)}\n`)
    })

  const callText = async <T>(method: string, params: string, timeoutMs?: number) => {
    const textOf = (id: number) =>
      `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`
    const answer = (await send(method, 1, textOf, timeoutMs)) as Answer
    if (answer.error !== undefined) throw new NodeRpcError(method, answer.error)
    return answer.result as T
  }
  return {
    call: (method, params = [], timeoutMs) => callText(method, JSON.stringify(params), timeoutMs),
    callText,
    batch: (calls, timeoutMs) => sendBatch(send, calls, timeoutMs),
    closed,
    close: () => socket.destroy(),
  }
}

/** Sends the text of a message under the first of its ids. */
type Send = (
  method: string,
  ids: number,
  textOf: (id: number) => string,
  timeoutMs: number | undefined,
) => Promise<Answer | readonly Answer[]>

async function sendBatch(
  send: Send,
  calls: readonly NodeCall[],
  timeoutMs: number | undefined,
): Promise<readonly BatchAnswer[]> {
  const first = calls[0]
  if (first === undefined) return []
  let firstId = 0
  const textOf = (id: number) => {
    firstId = id
    return JSON.stringify(
      calls.map(({ method, params = [] }, i) => ({ jsonrpc: '2.0', id: id + i, method, params })),
    )
  }
  const answers = await send(first.method, calls.length, textOf, timeoutMs)
  return pairAnswers(calls, firstId, Array.isArray(answers) ? answers : [answers as Answer])
}

function failAll(waiting: Map<number, Waiting>): void {
  for (const { method, fail, timer } of waiting.values()) {
    clearTimeout(timer)
    fail(new NodeGoneError(method))
  }
  waiting.clear()
}

/** Gives an answer to whoever waits for it; false when the line is no answer at all. */
function settleAnswer(waiting: Map<number, Waiting>, line: string): boolean {
  const message = parseAnswer(line)
  const id = message === undefined ? undefined : lowestId(message)
  if (message === undefined || id === undefined) return false
  const entry = waiting.get(id)
  // Nobody waits any more: the caller's time was up.
  if (entry === undefined) return true
  clearTimeout(entry.timer)
  waiting.delete(id)
  entry.settle(message)
  return true
}

function onLine(socket: Socket, take: (line: string) => void): void {
  let parts: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end))
      take((parts.length === 1 ? rest.subarray(0, end) : Buffer.concat(parts)).toString('utf8'))
      parts = []
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) parts.push(rest)
  })
}

function parseAnswer(line: string): Answer | readonly Answer[] | undefined {
  try {
    return JSON.parse(line) as Answer | readonly Answer[]
  } catch {
    return undefined
  }
}

/** A batch waits under the id of its first call; the node may answer in another order. */
function lowestId(message: Answer | readonly Answer[]): number | undefined {
  if (!Array.isArray(message)) return (message as Answer).id
  const ids = message.map(({ id }: Answer) => id)
  return ids.length === 0 ? undefined : Math.min(...ids)
}

function pairAnswers(
  calls: readonly NodeCall[],
  firstCallId: number,
  answers: readonly Answer[],
): BatchAnswer[] {
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  return calls.map(({ method }, i) => {
    const answer = byId.get(firstCallId + i)
    if (answer === undefined) {
      return {
        error: new NodeRpcError(method, { code: -32603, message: 'no answer in the batch' }),
      }
    }
    if (answer.error !== undefined) return { error: new NodeRpcError(method, answer.error) }
    return { result: answer.result }
  })
}

/** The node refused a call. */
export class NodeRpcError extends BaseError {
  override readonly name = 'NodeRpcError'
  readonly rpcCode: number
  readonly rpcMessage: string
  readonly data: unknown

  constructor(method: string, error: { code: number; message: string; data?: unknown }) {
    super(`The node refused ${method}.`, {
      code: 'NODE_RPC',
      retryable: false,
      metaMessages: [`code: ${error.code}`, `message: ${error.message}`],
    })
    this.rpcCode = error.code
    this.rpcMessage = error.message
    this.data = error.data
  }
}

/** The node did not answer in time. */
export class NodeTimeoutError extends BaseError {
  override readonly name = 'NodeTimeoutError'

  constructor(method: string, timeoutMs: number, path: string) {
    super(`The node did not answer ${method} within ${timeoutMs} ms.`, {
      code: 'NODE_TIMEOUT',
      retryable: true,
      metaMessages: [`socket: ${path}`],
    })
  }
}

/** The connection to the node is closed: it died or was stopped. */
export class NodeGoneError extends BaseError {
  override readonly name = 'NodeGoneError'

  constructor(method: string) {
    super(`The node is gone and cannot answer ${method}.`, { code: 'NODE_GONE', retryable: true })
  }
}
