import { once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { AccountId, UnderlyingId } from '../../../sdk/protocol/ids.ts'
import type { Series } from '../../../sdk/risk/engine/grid.ts'
import { type EngineCapacity, planEngine } from '../../../sdk/risk/engine/open-engine.ts'
import { makeKernelMemory } from '../../../sdk/risk/kernel/instance.ts'
import type { RiskParameters } from '../../../sdk/risk/parameters.ts'
import type { RiskMarket, UnderlyingMarket } from '../../../sdk/risk/portfolio.ts'
import { boardBytes, MarkBoard } from './worker/board.ts'
import {
  CONTROL,
  COPIES,
  preciseNowMs,
  RESULT_WORDS,
  STAMPS,
  WORKERS_MAX,
} from './worker/control.ts'
import type { SeriesHoldings, WorkerMessage, WorkerStart } from './worker/messages.ts'
import { MarginResults, type RoundMargin } from './worker/results.ts'

/** Options of {@link openRiskWorkers}. */
export type RiskWorkersOptions = {
  workers: number
  parameters: RiskParameters
  underlyings: readonly UnderlyingId[]
  /** Accounts and their bytes are per worker. */
  capacity: EngineCapacity
}

/** Keeps every account margined while marks move, on threads of its own. */
export class RiskWorkers {
  readonly #threads: readonly Worker[]
  readonly #ports: readonly MessagePort[]
  readonly #control: Int32Array
  readonly #stamps: Float64Array
  readonly #board: MarkBoard
  readonly #results: readonly MarginResults[]
  readonly #underlyings: readonly UnderlyingId[]
  readonly #places = new Map<AccountId, { worker: number; index: number }>()
  /** Accounts of each worker, and messages to it. */
  readonly #counts: number[]
  readonly #sent: number[]

  constructor(options: RiskWorkersOptions) {
    const { workers, parameters, underlyings, capacity } = options
    assert(workers >= 1 && workers <= WORKERS_MAX, `there are 1 to ${WORKERS_MAX} risk workers`)
    const plan = planEngine(capacity, { copies: COPIES, shards: workers })
    const memory = makeKernelMemory(plan.pages, true)
    const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes)
    const blocks = {
      control: shared(4 * CONTROL.words),
      stamps: shared(8 * STAMPS),
      board: shared(boardBytes(underlyings.length)),
      snapshot: shared(boardBytes(underlyings.length)),
      results: Array.from({ length: workers }, () => shared(8 * RESULT_WORDS * capacity.accounts)),
    }
    this.#control = new Int32Array(blocks.control)
    Atomics.store(this.#control, CONTROL.held, -1)
    Atomics.store(this.#control, CONTROL.copy, -1)
    this.#stamps = new Float64Array(blocks.stamps)
    this.#board = new MarkBoard(blocks.board, underlyings.length)
    this.#results = blocks.results.map((buffer) => new MarginResults(buffer))
    this.#underlyings = underlyings
    this.#counts = Array.from({ length: workers }, () => 0)
    this.#sent = Array.from({ length: workers }, () => 0)
    const ports: MessagePort[] = []
    this.#threads = Array.from({ length: workers }, (_, index) => {
      const { port1, port2 } = new MessageChannel()
      ports.push(port1)
      port1.unref()
      const accountsMax = capacity.accounts
      const given: WorkerStart = {
        index,
        workers,
        memory,
        plan,
        accountsMax,
        parameters,
        underlyings,
        blocks,
      }
      const file = import.meta.url.endsWith('.ts') ? './worker/main.ts' : './worker/main.js'
      const worker = new Worker(new URL(file, import.meta.url), {
        workerData: { ...given, port: port2 },
        transferList: [port2],
      })
      // What a thread dies of is seen by `failed`; without a listener it would end the process.
      worker.on('error', () => this.#fail(index))
      worker.on('exit', () => this.#fail(index))
      return worker
    })
    this.#ports = ports
  }

  /** Number of the round of marks that can be read, 0 before the first. */
  get round(): number {
    return Atomics.load(this.#control, CONTROL.published)
  }

  /** Says when the newest mark of a recent round was written, milliseconds since 1970. */
  roundTimeMs(round: number): number {
    return this.#stamps[round % STAMPS] as number
  }

  /** Lists instruments: they are valued with the next marks. */
  list(series: readonly Series[]): void {
    for (const worker of this.#ports.keys()) this.#send(worker, { type: 'list', series })
    this.#signal()
  }

  /** Sets what accounts hold; an account stays with the worker that it was given to. */
  set(accounts: readonly { account: AccountId; holdings: SeriesHoldings }[]): void {
    const byWorker = this.#ports.map((): (typeof accounts)[number][] => [])
    for (const item of accounts) byWorker[this.#place(item.account).worker]?.push(item)
    for (const [worker, items] of byWorker.entries()) {
      if (items.length > 0) this.#send(worker, { type: 'set', accounts: items })
    }
    this.#signal()
  }

  /** Takes new marks of one underlying; those that no round took yet are replaced. */
  mark(marks: UnderlyingMarket, nowMs = preciseNowMs()): void {
    const place = this.#underlyings.indexOf(marks.underlying)
    assert(place >= 0, 'marks are of an underlying that the workers know')
    this.#board.writeUnderlying(place, marks, nowMs)
    Atomics.add(this.#control, CONTROL.marks, 1)
    this.#signal()
  }

  /** Takes the numéraire's price and the marks of every asset and underlying. */
  markAll(market: RiskMarket, nowMs = preciseNowMs()): void {
    this.#board.writeCommon(market, nowMs)
    for (const marks of market.underlyings) this.mark(marks, nowMs)
  }

  /** Gives an account's margin with its round; undefined before it was first margined. */
  margin(account: AccountId): RoundMargin | undefined {
    const place = this.#places.get(account)
    return place === undefined ? undefined : this.#results[place.worker]?.read(place.index)
  }

  /**
   * Waits until every account rests on the newest marks.
   *
   * @returns False when that takes longer than so many milliseconds, or a worker failed.
   */
  async settled(timeLimitMs: number): Promise<boolean> {
    const deadline = performance.now() + timeLimitMs
    const control = this.#control
    for (let worker = 0; worker < this.#ports.length; worker++) {
      const at = CONTROL.settled + worker
      for (;;) {
        const seen = Atomics.load(control, at)
        if (seen !== 0 && this.#upToDate(worker, seen)) break
        const left = deadline - performance.now()
        if (left <= 0 || this.failed !== undefined) return false
        const waiting = Atomics.waitAsync(control, at, seen, Math.min(left, 50))
        if (waiting.async) await waiting.value
      }
    }
    return true
  }

  /** True when a worker knows all accounts, and a round took every mark and is published. */
  #upToDate(worker: number, round: number): boolean {
    const control = this.#control
    if (Atomics.load(control, CONTROL.handled + worker) !== this.#sent[worker]) return false
    const taken = Atomics.load(control, CONTROL.taken)
    return (
      taken === Atomics.load(control, CONTROL.marks) &&
      round === Atomics.load(control, CONTROL.round) &&
      round === Atomics.load(control, CONTROL.published)
    )
  }

  /** Index of the worker that failed, if one has: margins are not kept up any more. */
  get failed(): number | undefined {
    const failed = Atomics.load(this.#control, CONTROL.failed)
    return failed === 0 ? undefined : failed - 1
  }

  /** True when the newest round's marks were unusable: the round before stays published. */
  get refused(): boolean {
    const refused = Atomics.load(this.#control, CONTROL.refused)
    return refused !== 0 && refused === Atomics.load(this.#control, CONTROL.published)
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    const gone = Promise.all(
      this.#threads.filter(({ threadId }) => threadId >= 0).map((thread) => once(thread, 'exit')),
    )
    Atomics.store(this.#control, CONTROL.stop, 1)
    this.#signal()
    for (const port of this.#ports) port.close()
    await gone
  }

  #place(account: AccountId): { worker: number; index: number } {
    const known = this.#places.get(account)
    if (known !== undefined) return known
    const fewest = Math.min(...this.#counts)
    const worker = this.#counts.indexOf(fewest)
    const place = { worker, index: fewest }
    this.#counts[worker] = fewest + 1
    this.#places.set(account, place)
    return place
  }

  #send(worker: number, message: WorkerMessage): void {
    this.#sent[worker] = (this.#sent[worker] as number) + 1
    this.#ports[worker]?.postMessage(message)
  }

  /** Notes that a thread is gone although nobody told it to end; the others end too. */
  #fail(index: number): void {
    const control = this.#control
    if (Atomics.load(control, CONTROL.stop) !== 0) return
    Atomics.store(control, CONTROL.failed, 1 + index)
    Atomics.store(control, CONTROL.stop, 1)
    this.#signal()
  }

  #signal(): void {
    Atomics.add(this.#control, CONTROL.signal, 1)
    Atomics.notify(this.#control, CONTROL.signal)
  }
}
