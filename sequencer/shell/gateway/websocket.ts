import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { answerBytes, type RpcEndpoint, type Subscriber } from './json-rpc.ts'
import type { SlotFeed } from './slot-feed.ts'

/** What {@link serveWebSockets} serves. */
export type WebSocketOptions = {
  server: Server
  /** Gives the endpoint of a path; undefined where none is. */
  endpointAt: (path: string) => RpcEndpoint | undefined
  /** Serves `/feed`; absent where there is no log to tell of. */
  feed?: SlotFeed | undefined
  fail: (error: unknown) => void
}

/** Connections that are served, and the way to end them. */
export type ServedSockets = { connections: () => number; close: () => void }

const closePolicy = 1_008
const closeTooSlow = 1_013

/** Serves JSON-RPC and the feed of slots over WebSocket. */
export function serveWebSockets(options: WebSocketOptions): ServedSockets {
  const { server, endpointAt, feed, fail } = options
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LIMITS.rpcBodyBytes })
  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://gateway')
    const endpoint = endpointAt(path)
    const follows = feed !== undefined && path === '/feed'
    if (endpoint === undefined && !follows) return refuseUpgrade(stream, '404 Not Found')
    if (sockets.clients.size >= LIMITS.wsConnections) {
      return refuseUpgrade(stream, '503 Service Unavailable')
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      if (endpoint !== undefined) return serveSocket(socket, endpoint, { stream, fail })
      socket.on('error', () => socket.terminate())
      // A reader of the feed has nothing to say.
      socket.on('message', () => socket.close(closePolicy, 'the feed takes no messages'))
      feed?.serve(socket, searchParams.get('from')).catch(fail)
    })
  }
  server.on('upgrade', upgrade)
  return {
    connections: () => sockets.clients.size,
    close: () => {
      server.off('upgrade', upgrade)
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
    },
  }
}

function refuseUpgrade(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function serveSocket(
  socket: WebSocket,
  endpoint: RpcEndpoint,
  { stream, fail }: { stream: Duplex; fail: (error: unknown) => void },
): void {
  let corked = false
  /** What is sent in one turn, such as the receipts of a slot, leaves in one write. */
  const sendSoon = (text: string) => {
    if (!corked) {
      corked = true
      stream.cork()
      process.nextTick(() => {
        corked = false
        stream.uncork()
      })
    }
    send(socket, text)
  }
  const { subscriber, end } = createSubscriber(sendSoon)
  socket.on('close', end)
  // A broken frame or too long a message: the library closes the connection with its code.
  socket.on('error', () => socket.terminate())
  socket.on('message', (data: RawData) => {
    answerBytes(endpoint, bytesOf(data), { subscriber }).then(sendSoon, fail)
  })
}

function send(socket: WebSocket, text: string): void {
  if (socket.readyState !== socket.OPEN) return
  if (socket.bufferedAmount > LIMITS.wsBacklogBytes) {
    socket.close(closeTooSlow, 'the reader is too slow')
    return
  }
  socket.send(text)
}

function createSubscriber(sendText: (text: string) => void): {
  subscriber: Subscriber
  end: () => void
} {
  const stops = new Map<string, () => void>()
  let next = 1
  return {
    subscriber: {
      add: (begin) => {
        if (stops.size >= LIMITS.wsSubscriptions) {
          throw new TandemError('TOO_LARGE', {
            what: 'number of subscriptions of the connection',
            actual: stops.size + 1,
            limit: LIMITS.wsSubscriptions,
          })
        }
        const subscription = `0x${(next++).toString(16)}`
        const push = (result: unknown) => {
          const params = { subscription, result }
          sendText(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }))
        }
        stops.set(subscription, begin(push))
        return subscription
      },
      remove: (id) => {
        stops.get(id)?.()
        return stops.delete(id)
      },
    },
    end: () => {
      for (const stop of stops.values()) stop()
      stops.clear()
    },
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
