// Sends presigned bundles from a process of its own and measures their receipts and publication.
import { WebSocket } from 'ws'
import type { WireReceipt } from '../../../sdk/protocol/wire.ts'

/** What the client is told to do. */
export type Task = {
  gateway: string
  chainIds: readonly number[]
  /** Parameters of `eth_sendBundle` as JSON text, and who sends: one sender's keep their order. */
  bundles: readonly { sender: number; text: string }[]
  /** Bundles a second; absent: as fast as `inFlight` allows. */
  perSecond?: number | undefined
  inFlight: number
}

/** What the client saw. */
export type Seen = {
  elapsedMs: number
  /** From when a bundle was due to its receipt. */
  receiptMs: number[]
  /** From when a bundle was due until its last block was published. */
  softMs: number[]
  errors: number
  firstError: string | undefined
}

type Waiting = { dueMs: number; done: () => void }
type Unpublished = { dueMs: number; left: Map<number, number> }

const connectionCount = 4
const tickMs = 1

process.on('message', (task: Task) => {
  void run(task).then((seen) => process.send!(seen))
})
process.on('disconnect', () => process.exit(0))

async function run(task: Task): Promise<Seen> {
  const seen: Seen = { elapsedMs: 0, receiptMs: [], softMs: [], errors: 0, firstError: undefined }
  const publication = await watchHeads(task, seen)
  const sockets = await Promise.all(
    Array.from({ length: connectionCount }, () => open(task.gateway)),
  )
  const waiting = new Map<number, Waiting>()
  for (const socket of sockets) {
    socket.on('message', (data: Buffer) => settle(data.toString(), { waiting, seen, publication }))
  }
  const send = (index: number, dueMs: number) =>
    new Promise<void>((done) => {
      const { sender, text } = task.bundles[index]!
      waiting.set(index, { dueMs, done })
      sockets[sender % connectionCount]!.send(
        `{"jsonrpc":"2.0","id":${index},"method":"eth_sendBundle","params":[${text}]}`,
      )
    })
  const startMs = performance.now()
  await (task.perSecond === undefined
    ? closedLoop(task, send)
    : openLoop(task.bundles.length, task.perSecond, send))
  seen.elapsedMs = performance.now() - startMs
  await publication.settled()
  for (const socket of [...sockets, ...publication.sockets]) socket.terminate()
  return seen
}

async function closedLoop(
  { bundles, inFlight }: Task,
  send: (index: number, dueMs: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < bundles.length) await send(next++, performance.now())
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

/** Sends at a fixed rate, whatever the answers: a late answer counts from when it was due. */
async function openLoop(
  count: number,
  perSecond: number,
  send: (index: number, dueMs: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now()
  const answers: Promise<void>[] = []
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now()
      const due = Math.min(count, Math.floor(((nowMs - startMs) * perSecond) / 1_000) + 1)
      while (answers.length < due) {
        answers.push(send(answers.length, startMs + (answers.length * 1_000) / perSecond))
      }
      if (answers.length < count) return
      clearInterval(timer)
      resolve()
    }, tickMs)
  })
  await Promise.all(answers)
}

type Publication = {
  add: (dueMs: number, receipt: WireReceipt) => void
  settled: () => Promise<void>
  sockets: readonly WebSocket[]
}

function settle(
  text: string,
  {
    waiting,
    seen,
    publication,
  }: { waiting: Map<number, Waiting>; seen: Seen; publication: Publication },
): void {
  const answer = JSON.parse(text) as {
    id: number
    result?: { receipt: WireReceipt }
    error?: unknown
  }
  const bundle = waiting.get(answer.id)
  if (bundle === undefined) return
  waiting.delete(answer.id)
  if (answer.error === undefined) {
    seen.receiptMs.push(performance.now() - bundle.dueMs)
    publication.add(bundle.dueMs, answer.result!.receipt)
  } else {
    seen.errors += 1
    seen.firstError ??= JSON.stringify(answer.error)
  }
  bundle.done()
}

/** Notes when the last block of each bundle became visible. */
async function watchHeads({ gateway, chainIds }: Task, seen: Seen): Promise<Publication> {
  const heads = new Map<number, number>()
  let open_: Unpublished[] = []
  let quiet: (() => void) | undefined
  const check = () => {
    const nowMs = performance.now()
    open_ = open_.filter(({ dueMs, left }) => {
      for (const [chainId, block] of left) {
        if ((heads.get(chainId) ?? 0) >= block) left.delete(chainId)
      }
      if (left.size > 0) return true
      seen.softMs.push(nowMs - dueMs)
      return false
    })
    if (open_.length === 0) quiet?.()
  }
  const sockets = await Promise.all(
    chainIds.map(async (chainId) => {
      const socket = await open(`${gateway}chain/${chainId}`)
      socket.on('message', (data: Buffer) => {
        const { params } = JSON.parse(data.toString()) as {
          params?: { result: { number: string } }
        }
        if (params === undefined) return
        heads.set(chainId, Number(params.result.number))
        check()
      })
      socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}')
      return socket
    }),
  )
  return {
    sockets,
    add: (dueMs, { results }) => {
      const left = new Map(results.map((leg) => [leg.chainId, Number(leg.blockNumber)]))
      open_.push({ dueMs, left })
    },
    settled: () =>
      new Promise((resolve) => {
        quiet = resolve
        check()
      }),
  }
}

function open(url: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
  })
}
