import { WebSocket } from 'ws'
import { readHead, type BlockHead, type Chain } from './chains.ts'

/** Follows the head of one chain. */
export type Heads = {
  /** The newest head seen; undefined until the chain answered once. */
  latest: () => BlockHead | undefined
  /** Calls back at each new head, one call at a time, the newest head always. */
  subscribe: (onHead: (head: BlockHead) => Promise<void> | void) => Subscription
  /** Milliseconds since the chain answered last; Infinity before the first answer. */
  silentMs: () => number
  stop: () => void
}

/** One callback's place among those told of heads. */
export type Subscription = {
  /** Calls back once more, with the newest head as it is. */
  wake: () => void
  end: () => void
}

/** What {@link followHeads} needs. */
export type HeadsOptions = {
  chain: Chain
  /** Milliseconds between questions when no WebSocket brings news. */
  pollMs: number
  onError?: ((error: unknown) => void) | undefined
}

/** Milliseconds without an answer after which a chain counts as gone. */
const SILENT_MS_MAX = 5_000

/** Says whether a chain has not answered for so long that nothing can be known of it. */
export function isSilent({ silentMs }: Pick<Heads, 'silentMs'>): boolean {
  return silentMs() > SILENT_MS_MAX
}

/** Milliseconds between questions while a WebSocket brings news: it may be silent without being shut. */
const SAFETY_POLL_MS = 1_000

/** Follows a chain's head: by `newHeads` where it has a WebSocket, by asking otherwise. */
export function followHeads({ chain, pollMs, onError }: HeadsOptions): Heads {
  const listeners = new Set<() => void>()
  let latest: BlockHead | undefined
  let answeredAt = -Infinity
  let asking = false
  let again = false
  let stopped = false
  let socketOpen = false
  let timer: NodeJS.Timeout | undefined

  const ask = async () => {
    if (asking) {
      again = true
      return
    }
    asking = true
    try {
      const head = await readHead(chain.rpc, 'latest')
      answeredAt = performance.now()
      if (head !== undefined && head.hash !== latest?.hash) {
        latest = head
        for (const wake of listeners) wake()
      }
    } catch (error) {
      onError?.(error)
    }
    asking = false
    if (again && !stopped) {
      again = false
      void ask()
    }
  }
  const schedule = () => {
    if (stopped) return
    const delay = socketOpen ? Math.max(pollMs, SAFETY_POLL_MS) : pollMs
    timer = setTimeout(() => void ask().finally(schedule), delay)
  }
  const closeSocket =
    chain.wsUrl === undefined
      ? () => {}
      : openSocket(chain.wsUrl, {
          onNews: () => void ask(),
          onState: (open) => {
            socketOpen = open
          },
        })
  void ask().finally(schedule)

  return {
    latest: () => latest,
    silentMs: () => performance.now() - answeredAt,
    subscribe: (onHead) => {
      const { wake, end } = drained(() => latest, onHead, onError)
      listeners.add(wake)
      if (latest !== undefined) wake()
      return {
        wake,
        end: () => {
          listeners.delete(wake)
          end()
        },
      }
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
      listeners.clear()
      closeSocket()
    },
  }
}

/** Milliseconds after which a callback that failed runs again, should no new head come before. */
const FAILED_RETRY_MS = 500

/** Runs one callback at a time; wakes that come meanwhile become one more run. */
function drained(
  latest: () => BlockHead | undefined,
  onHead: (head: BlockHead) => Promise<void> | void,
  onError: ((error: unknown) => void) | undefined,
): Subscription {
  let running = false
  let pending = false
  let ended = false
  let retry: NodeJS.Timeout | undefined
  const run = async () => {
    running = true
    clearTimeout(retry)
    while (pending && !ended) {
      pending = false
      const head = latest()
      try {
        if (head !== undefined) await onHead(head)
      } catch (error) {
        onError?.(error)
        // A quiet chain may bring no other head for long.
        if (!ended) retry = setTimeout(wake, FAILED_RETRY_MS)
      }
    }
    running = false
  }
  const wake = () => {
    pending = true
    if (!running) void run()
  }
  const end = () => {
    ended = true
    clearTimeout(retry)
  }
  return { wake, end }
}

function openSocket(
  url: string,
  { onNews, onState }: { onNews: () => void; onState: (open: boolean) => void },
): () => void {
  let closed = false
  let socket: WebSocket | undefined
  let timer: NodeJS.Timeout | undefined
  const open = () => {
    if (closed) return
    socket = new WebSocket(url, { maxPayload: 1024 * 1024, handshakeTimeout: 2_000 })
    socket.on('open', () => {
      socket?.send(
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }),
      )
    })
    socket.on('message', (data) => {
      // The answer to the subscription says whether news will come; the news itself is only a hint.
      const text = Buffer.isBuffer(data) ? data.toString('utf8') : ''
      if (text.includes('"error"')) return socket?.close()
      onState(true)
      onNews()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      onState(false)
      if (!closed) timer = setTimeout(open, 1_000)
    })
  }
  open()
  return () => {
    closed = true
    clearTimeout(timer)
    socket?.terminate()
  }
}
