import type { WebSocket } from 'ws'
import { bytesToHex } from '../../../sdk/protocol/bytes.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import {
  recordHash,
  slotAnnouncementDigest,
  type SlotFeedEnd,
  type SlotFrame,
} from '../../../sdk/protocol/slot-feed.ts'
import type { Signal } from '../drivers/serial.ts'
import type { LogStore } from '../log/log-store.ts'
import type { SignDigest } from '../signing.ts'

/** What the feed of slots is made from. */
export type SlotSource = {
  logId: Hash
  log: Pick<LogStore, 'tip' | 'first' | 'read' | 'readOne'>
  /** Notified whenever a slot became durable. */
  durable: Pick<Signal, 'next'>
  /** By the key that signs receipts. */
  signDigest: SignDigest
}

/** Tells every reader the durable slots, each in its own time. */
export type SlotFeed = {
  /** Serves one reader until it leaves; `from` is what it asked for in its address. */
  serve: (socket: WebSocket, from: string | null) => Promise<void>
  /** Readers at the moment. */
  readers: () => number
}

/** Close codes: the request cannot be served; the reader takes nothing. */
const closeRefused = 1_008
const closeTooSlow = 1_013

/**
 * Makes the feed of a log. A reader that falls behind is read to from the log, one frame at a time: so
 * nothing piles up for it, and it misses nothing. What is told of a height never changes (I1): it is
 * what the log holds.
 */
export function createSlotFeed(source: SlotSource, takeMs: number = LIMITS.feedTakeMs): SlotFeed {
  const frames = recentFrames(source)
  let readers = 0
  return {
    serve: async (socket, from) => {
      readers += 1
      try {
        await tell(source, frames, { socket, first: firstOf(source, from), takeMs })
      } catch (error) {
        if (!(error instanceof TandemError)) throw error
        const { errorName, shortMessage: message } = error
        const end: SlotFeedEnd = { type: 'end', version: 1, error: errorName, message }
        socket.send(JSON.stringify(end))
        socket.close(closeRefused, errorName)
      } finally {
        readers -= 1
      }
    },
    readers: () => readers,
  }
}

/** Height at which a reader begins: what it asks for, or the next slot. */
function firstOf({ log }: SlotSource, from: string | null): number {
  const next = log.tip() + 1
  if (from === null) return next
  const height = /^(0|[1-9][0-9]{0,15})$/.test(from) ? Number(from) : undefined
  const refuse = (rule: string) => new TandemError('INVALID_REQUEST', { rule, path: 'from' })
  if (height === undefined) throw refuse('from is a height in decimal digits')
  if (height > next) throw refuse(`from is at most the next height, ${next}`)
  const oldest = log.first()
  if (oldest > 1 && height < oldest) throw refuse(`the slot is kept; the oldest kept is ${oldest}`)
  return height
}

async function tell(
  { log, durable }: SlotSource,
  frames: Frames,
  reader: { socket: WebSocket; first: number; takeMs: number },
): Promise<void> {
  const { socket, takeMs } = reader
  const { promise: left, resolve: leave } = Promise.withResolvers<void>()
  socket.once('close', () => leave())
  let next = reader.first
  while (socket.readyState === socket.OPEN) {
    if (next > log.tip()) {
      await Promise.race([durable.next(), left])
      continue
    }
    if (log.tip() - next < framesKept) {
      await take(socket, await frames.at(next), takeMs)
      next += 1
      continue
    }
    for await (const { height, record } of log.read(next)) {
      if (socket.readyState !== socket.OPEN) return
      await take(socket, frames.of(height, record), takeMs)
      next = height + 1
      if (log.tip() - next < framesKept) break
    }
  }
}

/** Sends one frame and waits until the connection took it: that is all that waits for a reader. */
async function take(socket: WebSocket, text: string, takeMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    socket.close(closeTooSlow, 'the reader takes nothing')
    socket.terminate()
    resolve()
  }, takeMs)
  // An error means that the connection is closed: the loop sees that.
  socket.send(text, () => resolve())
  await promise
  clearTimeout(timer)
}

type Frames = {
  at: (height: number) => Promise<string>
  of: (height: number, record: Uint8Array) => string
}

/** Frames of the last slots that are kept as text, for readers that are up to date. */
const framesKept = 64

function recentFrames({ logId, log, signDigest }: SlotSource): Frames {
  const texts = new Map<number, string>()
  const of = (height: number, record: Uint8Array) => {
    const hash = recordHash(logId, height, record)
    const signature = signDigest(slotAnnouncementDigest(logId, { height, hash }))
    const frame: SlotFrame = {
      ...{ type: 'slot', version: 1, height, hash },
      record: bytesToHex(record),
      signature,
    }
    return JSON.stringify(frame)
  }
  return {
    of,
    at: async (height) => {
      const known = texts.get(height)
      if (known !== undefined) return known
      const record = await log.readOne(height)
      if (record === undefined) throw new Error(`The log has no slot ${height} below its tip.`)
      const text = of(height, record)
      texts.set(height, text)
      for (const old of texts.keys()) {
        if (texts.size <= framesKept) break
        texts.delete(old)
      }
      return text
    },
  }
}
