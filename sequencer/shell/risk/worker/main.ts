import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { assert } from '../../../../sdk/protocol/assert.ts'
import { AccountShard } from '../../../../sdk/risk/engine/accounts.ts'
import { Arena } from '../../../../sdk/risk/engine/arena.ts'
import { RiskGrid } from '../../../../sdk/risk/engine/grid.ts'
import { InvalidPortfolioError } from '../../../../sdk/risk/invalid-portfolio.ts'
import { openKernels } from '../../../../sdk/risk/kernel/instance.ts'
import { MarkBoard } from './board.ts'
import { CONTROL, COPIES, STAMPS } from './control.ts'
import type { WorkerMessage, WorkerStart } from './messages.ts'
import { MarginResults } from './results.ts'

/** Accounts that are margined before the worker looks for new marks again. */
const CHUNK = 128
/** Longest sleep of a worker that nobody signals, in milliseconds. */
const SLEEP_MS = 1_000

/** One thread of the risk engine: a share of the grid, and a shard of the accounts. */
class RiskWorker {
  readonly #start: WorkerStart
  readonly #port: MessagePort
  readonly #control: Int32Array
  readonly #stamps: Float64Array
  readonly #board: MarkBoard
  readonly #snapshot: MarkBoard
  readonly #grid: RiskGrid
  readonly #shard: AccountShard
  readonly #results: MarginResults
  readonly #names: string[] = []
  readonly #known = new Set<string>()
  #round = 0
  #next = 0
  #behind = 0

  constructor(start: WorkerStart, port: MessagePort) {
    const { plan, memory, blocks, index, parameters, underlyings } = start
    this.#start = start
    this.#port = port
    this.#control = new Int32Array(blocks.control)
    this.#stamps = new Float64Array(blocks.stamps)
    this.#board = new MarkBoard(blocks.board, underlyings.length)
    this.#snapshot = new MarkBoard(blocks.snapshot, underlyings.length)
    const kernels = openKernels(memory, { pages: plan.pages, shared: true })
    const place = plan.shards[index]
    const results = blocks.results[index]
    assert(place !== undefined && results !== undefined, 'a worker has a shard')
    const { scratch, list } = place
    this.#grid = new RiskGrid({
      kernels,
      memory,
      start: plan.gridStart,
      scratch,
      plan: plan.grid,
      copies: COPIES,
      parameters,
      underlyings,
    })
    const arena = new Arena(place.arena, place.end)
    const { accountsMax } = start
    const grid = this.#grid
    this.#shard = new AccountShard({ grid, kernels, memory, arena, list, accountsMax })
    this.#results = new MarginResults(results)
  }

  /** Works until it is told to stop. */
  run(): void {
    const control = this.#control
    while (Atomics.load(control, CONTROL.stop) === 0) {
      const seen = Atomics.load(control, CONTROL.signal)
      this.#readMessages()
      this.#prepareRound()
      this.#joinRound()
      if (this.#marginChunk()) continue
      Atomics.wait(control, CONTROL.signal, seen, SLEEP_MS)
    }
  }

  #readMessages(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: WorkerMessage } | undefined
      if (received === undefined) return
      const { message } = received
      if (message.type === 'list') {
        for (const series of message.series) this.#grid.instrument(series)
      } else {
        this.#setAccounts(message.accounts)
      }
      Atomics.add(this.#control, CONTROL.handled + this.#start.index, 1)
    }
  }

  #setAccounts(accounts: (WorkerMessage & { type: 'set' })['accounts']): void {
    Atomics.store(this.#control, CONTROL.settled + this.#start.index, 0)
    for (const { account, holdings } of accounts) {
      const options = holdings.options.map(({ series, lots }) => ({
        instrument: this.#grid.instrument(series),
        lots,
      }))
      this.#shard.set(account, { ...holdings, options })
      if (!this.#known.has(account)) this.#names.push(account)
      this.#known.add(account)
    }
    this.#behind = this.#names.length
  }

  /** Announces a round if there are marks that no round took and none is under way. */
  #prepareRound(): void {
    const control = this.#control
    const marks = Atomics.load(control, CONTROL.marks)
    if (marks === Atomics.load(control, CONTROL.taken)) return
    if (Atomics.load(control, CONTROL.round) !== Atomics.load(control, CONTROL.published)) return
    if (Atomics.compareExchange(control, CONTROL.preparing, 0, 1) !== 0) return
    const round = Atomics.load(control, CONTROL.round)
    // Another worker may have prepared and published one in between.
    if (round === Atomics.load(control, CONTROL.published)) {
      Atomics.store(control, CONTROL.taken, Atomics.load(control, CONTROL.marks))
      this.#board.copyTo(this.#start.blocks.snapshot)
      Atomics.store(control, CONTROL.target, this.#freeCopy())
      Atomics.store(control, CONTROL.arrived, 0)
      Atomics.store(control, CONTROL.round, round + 1)
    }
    Atomics.store(control, CONTROL.preparing, 0)
    this.#signal()
  }

  /** A copy that is neither published nor held by decisions. */
  #freeCopy(): number {
    const published = Atomics.load(this.#control, CONTROL.copy)
    const held = Atomics.load(this.#control, CONTROL.held)
    for (let copy = 0; copy < COPIES; copy++) {
      if (copy !== published && copy !== held) return copy
    }
    throw new RangeError('of three copies one is free')
  }

  /** Does this worker's share of an announced round; the last to arrive publishes it. */
  #joinRound(): void {
    const control = this.#control
    const round = Atomics.load(control, CONTROL.round)
    if (round === this.#round) return
    const target = Atomics.load(control, CONTROL.target)
    const { market, newestMs } = this.#snapshot.read()
    const { index, workers } = this.#start
    try {
      this.#grid.mark(target, market, { index, of: workers })
    } catch (cause) {
      if (!(cause instanceof InvalidPortfolioError)) throw cause
      Atomics.store(control, CONTROL.refused, round)
    }
    this.#round = round
    if (Atomics.add(control, CONTROL.arrived, 1) + 1 === workers) {
      const usable = Atomics.load(control, CONTROL.refused) !== round
      const before = this.#stamps[(round - 1) % STAMPS] as number
      this.#stamps[round % STAMPS] = usable ? newestMs : before
      if (usable) Atomics.store(control, CONTROL.copy, target)
      Atomics.store(control, CONTROL.published, round)
      this.#signal()
    }
    while (Atomics.load(control, CONTROL.published) !== round) {
      if (Atomics.load(control, CONTROL.stop) !== 0) return
      const seen = Atomics.load(control, CONTROL.signal)
      if (Atomics.load(control, CONTROL.published) === round) break
      Atomics.wait(control, CONTROL.signal, seen, SLEEP_MS)
    }
    this.#behind = this.#names.length
  }

  /** Margins the next accounts that are behind; false when none is. */
  #marginChunk(): boolean {
    const count = this.#names.length
    const copy = Atomics.load(this.#control, CONTROL.copy)
    if (copy < 0) return false
    if (this.#behind <= 0 || count === 0) {
      this.#settle()
      return false
    }
    const from = this.#next
    const to = Math.min(from + CHUNK, count)
    this.#shard.mark(copy, from, to)
    for (let i = from; i < to; i++) {
      const margin = this.#shard.margin(this.#names[i] as string)
      this.#results.write(i, margin, this.#round)
    }
    this.#next = to === count ? 0 : to
    this.#behind -= to - from
    return true
  }

  /** Tells whoever waits that every account of this worker rests on the latest round. */
  #settle(): void {
    const at = CONTROL.settled + this.#start.index
    if (Atomics.load(this.#control, at) === this.#round) return
    Atomics.store(this.#control, at, this.#round)
    Atomics.notify(this.#control, at)
  }

  #signal(): void {
    Atomics.add(this.#control, CONTROL.signal, 1)
    Atomics.notify(this.#control, CONTROL.signal)
  }
}

const { port, ...start } = workerData as WorkerStart & { port: MessagePort }
try {
  new RiskWorker(start, port).run()
} catch (cause) {
  const control = new Int32Array(start.blocks.control)
  Atomics.store(control, CONTROL.failed, 1 + start.index)
  Atomics.store(control, CONTROL.stop, 1)
  Atomics.add(control, CONTROL.signal, 1)
  Atomics.notify(control, CONTROL.signal)
  throw cause
}
