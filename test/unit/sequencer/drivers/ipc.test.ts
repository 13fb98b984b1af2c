import { createServer, type Server, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectIpc, type IpcConnection } from '../../../../sequencer/shell/drivers/ipc.ts'

type Request = { id: number; method: string; params: unknown[] }

let folder: string
let path: string
let server: Server
let peer: Socket | undefined
let connection: IpcConnection
/** What the node does with a message; set by each test. */
let answer: (message: Request | Request[], socket: Socket) => void

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-ipc-'))
  path = join(folder, 'node.ipc')
  server = createServer((socket) => {
    peer = socket
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) answer(JSON.parse(line) as Request | Request[], socket)
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  connection = await connectIpc(path)
})
afterEach(() => {
  connection.close()
  peer?.destroy()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const write = (socket: Socket, message: unknown) => socket.write(`${JSON.stringify(message)}\n`)
const one = (message: Request | Request[]) => message as Request
const many = (message: Request | Request[]) => message as Request[]

describe('a connection to a node', () => {
  test('pairs answers with calls, in whatever order and pieces they come', async () => {
    const held: Request[] = []
    answer = (message, socket) => {
      held.push(one(message))
      if (held.length < 3) return
      const text = held
        .toReversed()
        .map(({ id, method }) => `${JSON.stringify({ jsonrpc: '2.0', id, result: method })}\n`)
        .join('')
      socket.write(text.slice(0, 50))
      socket.write(text.slice(50))
    }
    const answers = Promise.all(['a', 'b', 'ü'].map((method) => connection.call(method)))
    expect(await answers).toEqual(['a', 'b', 'ü'])
  })

  test('keeps the order of a batch and tells which call was refused', async () => {
    answer = (message, socket) => {
      const answers = many(message).map(({ id, method }) =>
        method === 'bad'
          ? { jsonrpc: '2.0', id, error: { code: -32003, message: 'nonce too low' } }
          : { jsonrpc: '2.0', id, result: method },
      )
      write(socket, answers.toReversed())
    }
    const [first, second, third] = await connection.batch(
      ['x', 'bad', 'y'].map((method) => ({ method })),
    )
    expect(first).toEqual({ result: 'x' })
    expect(second).toMatchObject({ error: { code: 'NODE_RPC', rpcMessage: 'nonce too low' } })
    expect(third).toEqual({ result: 'y' })
    expect(await connection.batch([])).toEqual([])
  })

  test('gives the refusal of a node with its data', async () => {
    answer = (message, socket) => {
      const error = { code: 3, message: 'execution reverted', data: '0x1234' }
      write(socket, { jsonrpc: '2.0', id: one(message).id, error })
    }
    await expect(connection.call('eth_call')).rejects.toMatchObject({
      code: 'NODE_RPC',
      rpcCode: 3,
      data: '0x1234',
    })
  })

  test('a call that is not answered in time fails, and its late answer harms no other', async () => {
    let late: Request | undefined
    answer = (message, socket) => {
      if (late === undefined) {
        late = one(message)
        return
      }
      write(socket, { jsonrpc: '2.0', id: late.id, result: 'late' })
      write(socket, { jsonrpc: '2.0', id: one(message).id, result: 'in time' })
    }
    await expect(connection.call('slow', [], 20)).rejects.toMatchObject({ code: 'NODE_TIMEOUT' })
    expect(await connection.call('next')).toBe('in time')
  })

  test('calls fail when the node goes away, before and after', async () => {
    answer = (_message, socket) => socket.destroy()
    await expect(connection.call('last')).rejects.toMatchObject({ code: 'NODE_GONE' })
    await connection.closed
    await expect(connection.call('later')).rejects.toMatchObject({ code: 'NODE_GONE' })
  })

  test('a node that talks nonsense is cut off', async () => {
    answer = (_message, socket) => socket.write('hello\n')
    await expect(connection.call('what')).rejects.toMatchObject({ code: 'NODE_GONE' })
  })

  test('nobody listening is an error at once', async () => {
    await expect(connectIpc(join(folder, 'absent.ipc'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
