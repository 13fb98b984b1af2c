import { isAddressEqual, recoverAddress } from 'viem'
import { BaseError } from '../../protocol/errors.ts'
import type { Hash } from '../../protocol/hex.ts'
import {
  checkSlotFrame,
  slotAnnouncementDigest,
  type CheckedSlot,
  type SlotFeedEnd,
  type SlotFrame,
  type SlotFrameFault,
} from '../../protocol/slot-feed.ts'
import type { TandemClient } from '../create-client.ts'

/** The feed said what cannot be: somebody lies, or the network is another one. */
export class SlotFeedError extends BaseError {
  override readonly name = 'SlotFeedError'
  readonly fault: SlotFrameFault | 'signature' | 'form' | 'refused'

  constructor(fault: SlotFeedError['fault'], detail: string) {
    super('The feed of slots cannot be believed.', {
      code: 'SLOT_FEED',
      retryable: false,
      metaMessages: [`fault: ${fault}`, detail],
    })
    this.fault = fault
  }
}

/** A slot that is known: what follows must name it as its parent. */
export type KnownSlot = { height: number; hash: Hash }

/** Frames that wait for whoever reads; beyond that the feed is asked again later. */
const waitingMax = 256
const pauseMs = 250

/**
 * Follows the log slot by slot, without a gap: each slot's signature, record and parent are checked. A
 * lost connection is made again and goes on behind the last slot.
 *
 * @param options.after - The slot after which to begin; its hash must be the parent of the first.
 * @param options.from - Height to begin at when no slot is known; default the next one.
 * @param options.signal - Ends it.
 * @throws {@link SlotFeedError} when a slot is not what it must be; it is never skipped.
 */
export async function* watchSlots(
  client: TandemClient,
  options: {
    after?: KnownSlot | undefined
    from?: number | undefined
    signal?: AbortSignal | undefined
  } = {},
): AsyncGenerator<CheckedSlot, void> {
  const { signal } = options
  let last = options.after
  let from = last === undefined ? options.from : last.height + 1
  while (signal?.aborted !== true) {
    for await (const text of frameTexts(feedUrl(client, from), signal)) {
      const frame = readFrame(text)
      const slot = await checked(client, frame, { last, height: from ?? frame.height })
      last = { height: slot.height, hash: slot.hash }
      from = slot.height + 1
      yield slot
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

function feedUrl({ network }: TandemClient, from: number | undefined): URL {
  const url = new URL('feed', network.sequencer.wsUrl)
  if (from !== undefined) url.searchParams.set('from', String(from))
  return url
}

function readFrame(text: string): SlotFrame {
  let value: SlotFrame | SlotFeedEnd | null
  try {
    value = JSON.parse(text) as SlotFrame | SlotFeedEnd | null
  } catch {
    throw new SlotFeedError('form', `no JSON: ${text.slice(0, 100)}`)
  }
  if (value?.version !== 1) {
    throw new SlotFeedError('form', `version ${String(value?.version)}; version 1 is read here`)
  }
  if (value.type === 'end') throw new SlotFeedError('refused', value.message)
  const { height, hash, record, signature } = value
  const hexes = [hash, record, signature].every((hex) => /^0x([0-9a-f]{2})*$/.test(hex))
  if (Number.isSafeInteger(height) && hexes) return value
  throw new SlotFeedError('form', `no frame: ${text.slice(0, 100)}`)
}

async function checked(
  { network }: TandemClient,
  frame: SlotFrame,
  expected: { last: KnownSlot | undefined; height: number },
): Promise<CheckedSlot> {
  const { last, height } = expected
  const logId = network.logId
  const result = checkSlotFrame(logId, frame, { height, parentHash: last?.hash })
  if (result.fault !== undefined) {
    const told = `slot ${frame.height} ${frame.hash}`
    throw new SlotFeedError(result.fault, `told: ${told}; before: ${last?.hash ?? 'nothing'}`)
  }
  const hash = slotAnnouncementDigest(logId, frame)
  const by = await recoverAddress({ hash, signature: frame.signature }).catch(() => undefined)
  if (by !== undefined && isAddressEqual(by, network.sequencer.address)) return result.slot
  throw new SlotFeedError('signature', `slot ${height} is signed by ${by ?? 'nobody'}`)
}

/** Texts of one connection until it is lost or the reader is too far behind. */
async function* frameTexts(url: URL, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const socket = new WebSocket(url)
  const waiting: string[] = []
  let open = true
  let wake: () => void = () => undefined
  const end = () => {
    open = false
    wake()
  }
  socket.addEventListener('message', ({ data }) => {
    waiting.push(String(data))
    if (waiting.length >= waitingMax) socket.close()
    wake()
  })
  socket.addEventListener('close', end)
  socket.addEventListener('error', end)
  signal?.addEventListener('abort', end)
  try {
    while (signal?.aborted !== true) {
      const text = waiting.shift()
      if (text !== undefined) yield text
      else if (!open) return
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    signal?.removeEventListener('abort', end)
    socket.close()
  }
}
