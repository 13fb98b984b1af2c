import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { L1Origin } from '../../../sdk/protocol/slot.ts'
import type { ForcedInput } from '../../core/bundles/forced.ts'
import type { Inbox } from '../l1/inbox.ts'
import { L1Error, type L1Client } from '../l1/l1-client.ts'
import type { Ledger } from './ledger.ts'
import { LedgerConflictError, type Poster } from './poster.ts'
import type { MovableTags } from './tags.ts'

/** Blocks by which the log's view of `l1` lags behind its head: a shorter reorganisation changes nothing. */
export const L1_DEPTH = 6

/** What an operator may want to know. */
export type SettlementEvent =
  | { type: 'moved'; posted: number; final: number; origin: number }
  | { type: 'unreachable'; reason: string }

/** What {@link startSettlement} needs. */
export type SettlementOptions = {
  l1: L1Client
  ledger: Ledger
  poster: Poster
  tags: MovableTags
  /** Block of `l1` that the log named last. */
  origin: () => L1Origin
  /** The inbox of forced bundles; absent where there is none. */
  inbox: Inbox | undefined
  /** Blocks within which what was forced stands in the log. */
  forcedWithinBlocks: number
  /** Told of each later block that lies deep enough, with all that was forced in the blocks before it. */
  onOrigin: (origin: L1Origin, forced: readonly ForcedInput[]) => void
  /** Called once when `l1` is not the chain that the log rests on. */
  onConflict: (error: BaseError) => void
  /** Milliseconds between two looks at `l1`. */
  pollMs: number
  observe: (event: SettlementEvent) => void
}

/** Keeps the log and `l1` together until it is stopped. */
export type Settlement = { stop: () => Promise<void> }

/** Time that a stop gives to a look at `l1` that is under way. */
const stopPatienceMs = 500

/** Starts to watch `l1`: posts slots, moves the tags, tells of new origins. */
export function startSettlement(options: SettlementOptions): Settlement {
  const { pollMs, observe, onConflict } = options
  const turn = settlementTurn(options)
  const stopped = new AbortController()
  const loop = async () => {
    while (!stopped.signal.aborted) {
      try {
        await turn()
      } catch (error) {
        // What a stop cut off is done by the next start: `l1` alone says what is left to do.
        if (stopped.signal.aborted) return
        if (error instanceof LedgerConflictError || error instanceof L1ReorganisedError) {
          onConflict(error)
          return
        }
        if (!(error instanceof BaseError)) throw error
        observe({ type: 'unreachable', reason: error.message })
      }
      await pause(pollMs, stopped.signal)
    }
  }
  const running = loop()
  running.catch((error: unknown) => {
    // Nobody waits for the loop: whatever it throws must end the program.
    queueMicrotask(() => {
      throw error
    })
  })
  return {
    stop: async () => {
      stopped.abort()
      await Promise.race([running, pause(stopPatienceMs, new AbortController().signal)])
    },
  }
}

function settlementTurn({
  l1,
  ledger,
  poster,
  tags,
  origin,
  inbox,
  forcedWithinBlocks,
  onOrigin,
  observe,
}: SettlementOptions): () => Promise<void> {
  /** Last block of `l1` whose batches are counted as final. */
  let searched: number | undefined
  return async () => {
    const head = await l1.head()
    const deep = Math.max(0, head.number - L1_DEPTH)
    await checkOrigin(l1, origin(), head)
    const hash = await l1.hashAt(deep)
    if (hash !== undefined && deep > origin().number) {
      // What is older stands in the log; what is there already is passed over by the core.
      const from = Math.max(0, origin().number - forcedWithinBlocks)
      onOrigin({ number: deep, hash }, (await inbox?.read(from, deep)) ?? [])
    }

    const { nextSlot } = await poster.turn(head)
    const before = tags.slots()
    const final = await lastFinal(ledger, { searched, deep, nextSlot })
    searched = deep
    await tags.move({ posted: nextSlot - 1, final: Math.max(before.final, final) })
    const after = tags.slots()
    if (after.posted === before.posted && after.final === before.final) return
    observe({ type: 'moved', ...after, origin: origin().number })
  }
}

/** The block that the log rests on must still be there. */
async function checkOrigin(
  l1: L1Client,
  { number, hash }: L1Origin,
  head: L1Origin,
): Promise<void> {
  if (number === 0) return
  if (head.number < number) {
    const reason = `it stands at block ${head.number}, before block ${number} that the log names`
    throw new L1Error('eth_getBlockByNumber', reason, false)
  }
  const actual = await l1.hashAt(number)
  if (actual !== hash) throw new L1ReorganisedError(number, hash, actual ?? 'none')
}

const searchBlocks = 2_000

/** Height of the last slot whose batch lies in a block up to `deep`; -1 when there is none. */
async function lastFinal(
  ledger: Ledger,
  { searched, deep, nextSlot }: { searched: number | undefined; deep: number; nextSlot: number },
): Promise<number> {
  if (nextSlot === 0) return -1
  const lastOf = async (from: number, to: number) => {
    const batch = (await ledger.batches(from, to)).at(-1)
    return batch === undefined ? -1 : batch.firstSlot + batch.count - 1
  }
  if (searched !== undefined) return lastOf(searched + 1, deep)
  for (let to = deep; to >= 0; to -= searchBlocks) {
    const slot = await lastOf(Math.max(0, to - searchBlocks + 1), to)
    if (slot >= 0) return slot
  }
  return -1
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

/** `l1` lost a block that the log rests on. */
export class L1ReorganisedError extends BaseError {
  override readonly name = 'L1ReorganisedError'

  constructor(number: number, expected: string, actual: string) {
    super(`Block ${number} of l1, on which the log rests, is another one now.`, {
      code: 'L1_REORGANISED',
      retryable: false,
      metaMessages: [`named in the log: ${expected}; on l1: ${actual}`],
    })
  }
}
