import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { assert } from '../../../sdk/protocol/assert.ts'
import { ENTRY_KIND } from '../../../sdk/protocol/entry.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { SignedReceipt, SignedRefusal } from '../../../sdk/protocol/receipt.ts'
import type { SlotRecord } from '../../../sdk/protocol/slot.ts'
import type { SparseTree } from '../../../sdk/protocol/sparse-merkle.ts'
import type { Fault } from '../../core/entries/entry.ts'
import type { CoreEvent, Effect, FormedSlot } from '../../core/input.ts'
import type { CoreState } from '../../core/state.ts'
import { nextWakeMs, step } from '../../core/step.ts'
import { noFaults, type Faultpoint } from '../faults.ts'
import { createRecovery, type Recovery } from '../recovery/recovery.ts'
import { createAnswers, signRefusal } from './answers.ts'
import { Blocks } from './blocks.ts'
import { keepHeld, resumeHeld } from './held.ts'
import type { EngineOptions } from './options.ts'
import { addToPlans, publishedBlock, type Plans } from './plans.ts'
import { simulateWithProbes } from './probes.ts'
import { createPublications, type Publications } from './publications.ts'
import { restart } from './restart.ts'
import { createResumptions } from './resume.ts'
import { createSlotWriter, type SlotWriter } from './writer.ts'

/** Time that a stop gives to the last recovery point; whatever ends it has less patience than a person. */
const lastSnapshotsMs = 1_500

type EngineParts = {
  state: CoreState
  blocks: Blocks
  writer: SlotWriter
  publications: Publications
  recovery: Recovery
}

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>

/**
 * Starts the engine: brings state and nodes to the log's tip, then feeds the core and does what it
 * wants done. Nothing is answered before its slot is durable.
 *
 * @throws {@link LogError} or {@link DerivationError} when log, network and nodes do not agree.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { log, drivers, clock, observe } = options
  const blocks = new Blocks({ drivers, log, clock, observe })
  try {
    const { state, fold, heads } = await restart(options, blocks)
    const { published } = state.superblock
    const publications = createPublications(log, { published, heads })
    const writer = createSlotWriter(options, fold.tipHash)
    const recovery = createRecovery(options, { fold, blocks })
    const engine = new Engine(options, { state, blocks, writer, publications, recovery })
    engine.dispatch({ type: 'tick' })
    resumeHeld(engine)
    return engine
  } catch (error) {
    await blocks.stop()
    throw error
  }
}

/** A running engine: it owns the nodes, the timer and everything that waits for an answer. */
export class Engine {
  readonly options: EngineOptions
  readonly state: CoreState
  readonly blocks: Blocks
  readonly publications: Publications
  readonly writer: SlotWriter
  readonly answers = createAnswers()
  readonly resumptions = createResumptions()
  readonly #recovery: Recovery
  readonly #faultpoint: Faultpoint
  /** Blocks of the open superblock. */
  #plans: Plans = new Map()
  #callOff: (() => void) | undefined
  #closed: string | undefined
  #publishedSlot: number
  #publishedNative: SparseTree
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: EngineOptions, parts: EngineParts) {
    this.options = options
    this.state = parts.state
    this.blocks = parts.blocks
    this.writer = parts.writer
    this.publications = parts.publications
    // A restart ends with everything in the log derived and visible.
    this.#publishedSlot = options.log.tip()
    this.#publishedNative = parts.state.native
    this.#recovery = parts.recovery
    this.#faultpoint = options.faultpoint ?? noFaults
  }

  /** Why nothing is taken any more; undefined while the engine runs. */
  get closed(): string | undefined {
    return this.#closed
  }

  /** Height of the last slot that every reader sees. */
  get publishedSlot(): number {
    return this.#publishedSlot
  }

  /** Native state after {@link publishedSlot}. */
  get publishedNative(): SparseTree {
    return this.#publishedNative
  }

  /** Takes nothing more from now on; what is published stays readable. */
  halt(reason: string): void {
    this.#close(reason)
  }

  /** Feeds the core and does what it wants done. */
  dispatch(event: CoreEvent): void {
    if (this.#closed !== undefined) return
    const { clock } = this.options
    const input = { ...event, nowMs: clock.nowMs(), elapsedMs: clock.elapsedMs() }
    try {
      for (const effect of step(this.state, input)) {
        this.#perform(effect)
      }
      this.#callOff?.()
      const wakeMs = nextWakeMs(this.state)
      if (wakeMs === undefined) return
      const delayMs = Math.max(1, wakeMs - clock.elapsedMs())
      this.#callOff = clock.after(delayMs, () => this.dispatch({ type: 'tick' }))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Signs a refusal of a request. */
  refusal(requestHash: Hash, fault: Fault): SignedRefusal {
    const { config, signDigest, clock } = this.options
    const { logId } = config
    const slot = this.state.height
    return signRefusal(signDigest, { logId, requestHash, fault, slot, issuedAtMs: clock.nowMs() })
  }

  /** Takes nothing more, leaves a recovery point, ends the nodes. The log stays open. */
  async stop(): Promise<void> {
    this.#close('the sequencer is stopping')
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const callOff = this.options.clock.after(lastSnapshotsMs, resolve)
    await Promise.race([this.#leavePoint(), late])
    callOff()
    await this.blocks.stop()
    await Promise.allSettled(this.#underWay)
  }

  /** The next start goes on from here; without it everything since the last point is derived again. */
  async #leavePoint(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    const drivers = [...this.options.drivers.values()]
    await Promise.allSettled(drivers.map((driver) => driver.rollback()))
    await this.#recovery.makePoint()
  }

  #close(reason: string): void {
    this.#closed ??= reason
    this.#callOff?.()
    const error = new TandemError('NOT_READY', { reason: this.#closed })
    this.answers.abandon(error)
    this.resumptions.abandon(error)
    this.writer.close(error)
  }

  #fail(error: unknown): void {
    if (this.#closed !== undefined) return
    this.#close('the sequencer failed')
    this.options.fail(error)
  }

  /** Runs work; whatever it throws ends the program. */
  #start(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#underWay.delete(running))
    this.#underWay.add(running)
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'simulate':
        return this.#start(() => this.#simulate(effect))
      case 'readAccounts':
        return this.#start(() => this.#readAccounts(effect))
      case 'append':
        return this.#append(effect.slot)
      case 'refuse':
        return this.#refuse(effect.waiters, effect.entryId, effect.fault)
      case 'known':
        return this.#start(() => this.#answerKnown(effect))
      case 'held':
        return this.#start(() => keepHeld(this, effect))
      case 'cancelled':
        return this.#start(async () => {
          await this.writer.durable(effect.height)
          const { entryId, legHashes } = effect
          this.answers.cancelled(effect.requestId, { entryId, legHashes })
        })
      case 'notCancelled': {
        const requestHash = keccak256(new TextEncoder().encode(effect.requestName))
        return this.#refuse([effect.requestId], requestHash, effect.fault)
      }
      case 'previewed':
        return this.answers.preview(effect.requestId, effect.preview)
      case 'seal':
        return this.#start(() => this.#seal(effect))
      case 'publish':
        return this.#start(() => this.#publish(effect))
      case 'stopped': {
        const { chainId, reason } = effect
        this.resumptions.end(chainId, reason)
        return this.options.observe({ type: 'stopped', chainId, reason })
      }
      case 'resumed':
        this.resumptions.end(effect.chainId)
        return this.options.observe(effect)
    }
  }

  async #simulate({ ticket, chainId, ...request }: EffectOf<'simulate'>): Promise<void> {
    const { margin } = this.options
    const simulation = await this.blocks.run(chainId, (driver) =>
      simulateWithProbes(driver, request, margin),
    )
    this.dispatch({ type: 'simulated', ticket, chainId, simulation })
  }

  async #readAccounts({ chainId, addresses }: EffectOf<'readAccounts'>): Promise<void> {
    const { head, facts } = await this.blocks.run(chainId, (driver) => driver.accounts(addresses))
    this.dispatch({ type: 'accounts', chainId, head, facts })
  }

  #append(slot: FormedSlot): void {
    const { clock, observe } = this.options
    const startedMs = clock.elapsedMs()
    const { record, hash } = this.writer.record(slot)
    this.blocks.promise(record)
    addToPlans(this.#plans, record)
    for (const { chainId } of record.notes.resumed) {
      const plan = this.resumptions.plan(chainId)
      if (plan !== undefined) this.#plans.set(chainId, plan)
    }
    // The nodes have the longest way to go. What lies in a pool is nothing yet: it is mined once its
    // slot is durable, and a node whose sequencer ended is ended with its pool.
    this.#stage(record)
    this.#start(async () => {
      const appending = this.writer.append(record)
      // Signed while the disk works; nobody gets one before its slot is durable.
      const receipts = this.writer.receipts(record)
      const recordBytes = await appending
      this.#faultpoint({ name: 'durable', superblock: slot.superblock, bundles: bundlesIn(slot) })
      for (const [i, entry] of slot.entries.entries()) {
        this.answers.receipt(entry.waiters, receipts[i] as SignedReceipt)
      }
      for (const { entryId, waiters, fault } of slot.refused) {
        this.#refuse(waiters, entryId, fault)
      }
      this.#recovery.durable(record, hash)
      observe({ type: 'slot', slot, recordBytes, durableMs: clock.elapsedMs() - startedMs })
      this.dispatch({ type: 'durable', height: slot.height })
    })
  }

  /** Sends a slot's legs ahead to the nodes; sealing sends again what is missing. */
  #stage({ chains }: SlotRecord): void {
    for (const { chainId, legs } of chains) {
      const signed = legs.map(({ hash, rawTx }) => ({ hash, rawTx }))
      this.#start(() => this.blocks.stage(chainId, signed))
    }
  }

  #refuse(requestIds: readonly number[], requestHash: Hash, fault: Fault): void {
    this.options.observe({ type: 'refused', error: fault.error })
    if (requestIds.length > 0) this.answers.refuse(requestIds, this.refusal(requestHash, fault))
  }

  async #answerKnown({ requestId, entryId, height }: EffectOf<'known'>): Promise<void> {
    await this.writer.durable(height)
    const receipt = await this.writer.receiptAt(height, entryId)
    assert(receipt !== undefined, 'an entry in the log has its receipt')
    this.answers.receipt([requestId], receipt)
  }

  async #seal({ superblock, chainIds, again }: EffectOf<'seal'>): Promise<void> {
    const plans = this.#plans
    if (again) await Promise.all(chainIds.map((chainId) => this.blocks.rollBack(chainId)))
    const outcomes = await Promise.all(
      chainIds.map(async (chainId) => {
        const outcome = await this.blocks.seal(chainId, plans)
        this.#faultpoint({ name: 'sealed', superblock, chainId })
        return outcome
      }),
    )
    const blocks = outcomes.flatMap((outcome) => {
      const { chainId } = outcome
      if (outcome.kind === 'sealed') {
        const plan = plans.get(chainId)
        return plan === undefined ? [] : [publishedBlock(chainId, plan, outcome.block)]
      }
      const { difference } = outcome
      this.options.observe({ type: 'difference', chainId, difference, again })
      return []
    })
    this.publications.sealed(blocks)
    this.dispatch({ type: 'sealed', superblock, outcomes })
  }

  /** Next nonce of the system key on chains whose blocks this process did not form all. */
  async #systemNonces(chainIds: readonly number[]): Promise<Map<number, number>> {
    const { system } = this.options.config
    const read = chainIds.map(async (chainId) => {
      const { facts } = await this.blocks.run(chainId, (driver) => driver.accounts([system]))
      return [chainId, facts[0]?.nonce ?? 0] as const
    })
    return new Map(await Promise.all(read))
  }

  async #publish({ superblock, chainIds, rollBack }: EffectOf<'publish'>): Promise<void> {
    const { blocks, state, options } = this
    await Promise.all([
      ...chainIds.map(async (chainId) => {
        await blocks.publish(chainId)
        this.#faultpoint({ name: 'published', superblock, chainId })
      }),
      ...rollBack.map((chainId) => blocks.rollBack(chainId)),
    ])
    this.#plans = new Map()
    const closedMs = options.clock.elapsedMs() - state.superblock.openedAtMs
    options.observe({ type: 'superblock', superblock, chainIds, closedMs })
    this.publications.publish({ superblock, slot: BigInt(state.height), chainIds })
    this.#publishedSlot = state.height
    this.#publishedNative = state.native
    if (this.#recovery.due(chainIds)) this.#start(() => this.#recovery.makePoint())
    const systemNonces = await this.#systemNonces([...state.superblock.resumed.keys()])
    this.dispatch({ type: 'published', superblock, systemNonces })
  }
}

function bundlesIn({ entries }: FormedSlot): number {
  return entries.filter(({ kind }) => kind === ENTRY_KIND.bundle).length
}
