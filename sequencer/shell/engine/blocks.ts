import type { SlotRecord } from '../../../sdk/protocol/slot.ts'
import {
  addBlockHeights,
  copyBlockHeights,
  heightBefore,
  type BlockHeights,
} from '../../core/superblocks/block-heights.ts'
import type { SealedBlock } from '../../core/entries/execution.ts'
import type { SealOutcome } from '../../core/input.ts'
import type { SignedLeg } from '../../core/entries/leg.ts'
import { NodeLostError, type BlockPlan, type ChainDriver } from '../drivers/driver.ts'
import type { LogStore } from '../log/log-store.ts'
import { derivePass, DerivationError, type Derived, type Wanted } from './derive.ts'
import type { Clock, EngineEvent } from './options.ts'
import type { Plans } from './plans.ts'
import { openedPlan, openingSlot } from './superblocks.ts'

/** What {@link Blocks} needs. */
export type BlocksOptions = {
  drivers: ReadonlyMap<number, ChainDriver>
  log: LogStore
  clock: Clock
  observe: (event: EngineEvent) => void
}

/** One rollup's node as the engine keeps track of it. */
type Lane = {
  driver: ChainDriver
  /** Last sealed block: what a restored node must be brought to. */
  target: number
  /** Counts restores. */
  generation: number
  /** Generation in which the block that waits for its publication was sealed. */
  sealedIn: number | undefined
  restoring: Promise<SealedBlock> | undefined
}

/** Restarts of one node without a success in between. */
const restoresMax = 8
const restorePauseMs = 250

/** The rollups' nodes as the engine uses them: a node that is lost comes back with its blocks. */
export class Blocks {
  readonly #options: BlocksOptions
  /** Where the rollups' blocks begin in the log. */
  readonly #places = new Map<number, BlockHeights>()
  readonly #lanes: ReadonlyMap<number, Lane>
  /** A node that ends from now on is meant to. */
  #stopped = false

  constructor(options: BlocksOptions) {
    this.#options = options
    this.#lanes = new Map([...options.drivers].map(([id, driver]) => [id, newLane(driver)]))
  }

  /** Starts every node; gives the heads that they start from. */
  async start(): Promise<Map<number, SealedBlock>> {
    const started = [...this.#lanes].map(async ([chainId, lane]) => {
      const head = await lane.driver.start()
      lane.target = head.number
      return [chainId, head] as const
    })
    return new Map(await Promise.all(started))
  }

  /**
   * Derives rollups' blocks after their nodes' heads up to a number from the log; gives the new heads,
   * and the rollups whose last block differs, whose hash the log does not have yet.
   *
   * @param places - Where the blocks begin in the log so far.
   */
  async derive(
    wanted: ReadonlyMap<number, Wanted>,
    places: ReadonlyMap<number, BlockHeights>,
  ): Promise<Pick<Derived, 'heads' | 'differing'>> {
    for (const [chainId, item] of copyBlockHeights(places)) this.#places.set(chainId, item)
    for (const [chainId, { number }] of wanted) this.#lane(chainId).target = number
    const pass = { ...this.#options, places: this.#places }
    const { heads, lost, differing } = await derivePass(pass, wanted)
    for (const chainId of differing.keys()) this.#lane(chainId).target -= 1
    for (const [chainId, error] of lost) heads.set(chainId, await this.#restored(chainId, error))
    return { heads, differing }
  }

  /** Notes a slot on its way into the log: its blocks can be derived again once it is durable. */
  promise(record: SlotRecord): void {
    addBlockHeights(this.#places, record)
  }

  /** Runs one operation on a node; when the node is lost, again on the restored one. */
  async run<T>(chainId: number, operation: (driver: ChainDriver) => Promise<T>): Promise<T> {
    const lane = this.#lane(chainId)
    for (;;) {
      await lane.restoring
      try {
        return await operation(lane.driver)
      } catch (error) {
        if (!(error instanceof NodeLostError) || this.#stopped) throw error
        await this.#restored(chainId, error)
      }
    }
  }

  /** Sends legs ahead; a lost node gets them when its block is sealed. */
  async stage(chainId: number, legs: readonly SignedLeg[]): Promise<void> {
    await this.#runUnlessRestored(chainId, (driver) => driver.stage(legs))
  }

  /** Mines a rollup's block of the plans and compares. */
  async seal(chainId: number, plans: Plans): Promise<SealOutcome> {
    const lane = this.#lane(chainId)
    const plan = plans.get(chainId)
    if (plan === undefined) throw new DerivationError(chainId, 'a sealed chain has a plan', 'none')
    const sealed = await this.run(chainId, (driver) => driver.seal(plan))
    if (sealed.kind === 'sealed') {
      lane.target = sealed.block.number
      lane.sealedIn = lane.generation
    }
    return { chainId, ...sealed }
  }

  /** Makes the sealed block the rollup's head. */
  async publish(chainId: number): Promise<void> {
    const lane = this.#lane(chainId)
    await this.run(chainId, async (driver) => {
      // A node that was restored after it sealed came back with the block published.
      if (lane.generation === lane.sealedIn) await driver.publish()
      lane.sealedIn = undefined
    })
  }

  /** Takes the sealed block back. */
  async rollBack(chainId: number): Promise<void> {
    const lane = this.#lane(chainId)
    const { sealedIn } = lane
    lane.sealedIn = undefined
    if (sealedIn !== undefined) lane.target -= 1
    if (sealedIn === undefined || lane.generation === sealedIn) {
      return this.#runUnlessRestored(chainId, (driver) => driver.rollback())
    }
    const reason = 'it was restored to a block that is taken back'
    await this.#restored(chainId, new NodeLostError(chainId, reason))
  }

  /**
   * Starts a stopped rollup's node again, brings it to its head, and has it make the block that was
   * withheld once; the block is taken back.
   *
   * @returns The block's plan and the slot that opened it; undefined when none was withheld.
   * @throws {@link DerivationError} with the first difference; {@link NodeLostError} when the node
   * does not come back.
   */
  async tryWithheld(chainId: number): Promise<{ plan: BlockPlan; slot: number } | undefined> {
    const lane = this.#lane(chainId)
    await this.#restored(chainId, new NodeLostError(chainId, 'it starts again to be resumed'))
    const withheld = await this.#withheld(chainId, lane.target + 1)
    if (withheld === undefined) return undefined
    const { plan } = withheld
    const tried = await this.run(chainId, (driver) => driver.seal(plan))
    await this.run(chainId, (driver) => driver.rollback())
    if (tried.kind === 'sealed') return withheld
    const { what, expected, actual } = tried.difference
    throw new DerivationError(chainId, `block ${plan.env.number} has ${what} ${expected}`, actual)
  }

  async #withheld(
    chainId: number,
    number: number,
  ): Promise<{ plan: BlockPlan; slot: number } | undefined> {
    const { log } = this.#options
    const from = heightBefore(this.#places, chainId, number)
    if (from === undefined) return undefined
    const slot = await openingSlot(log, { chainId, number, from })
    return { slot, plan: await openedPlan(log, { chainId, slot }) }
  }

  /** Lowest slot that a rollup may still need to be brought to what the log says. */
  neededFrom(): number {
    const heights = [...this.#lanes].map(([chainId, { target }]) =>
      heightBefore(this.#places, chainId, target + 1),
    )
    return Math.min(...heights.map((height) => height ?? Number.MAX_SAFE_INTEGER))
  }

  /** Ends every node. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#lanes.values()].map(({ driver }) => driver.stop()))
  }

  #lane(chainId: number): Lane {
    const lane = this.#lanes.get(chainId)
    if (lane === undefined) throw new DerivationError(chainId, 'the chain has a driver', 'none')
    return lane
  }

  /** Runs what a restored node needs no more: it comes back with its sealed blocks published. */
  async #runUnlessRestored(
    chainId: number,
    operation: (driver: ChainDriver) => Promise<void>,
  ): Promise<void> {
    const lane = this.#lane(chainId)
    const { generation } = lane
    await this.run(chainId, async (driver) => {
      if (lane.generation === generation) await operation(driver)
    })
  }

  #restored(chainId: number, error: NodeLostError): Promise<SealedBlock> {
    const lane = this.#lane(chainId)
    lane.restoring ??= this.#restore(chainId, error).finally(() => {
      lane.restoring = undefined
    })
    return lane.restoring
  }

  async #restore(chainId: number, { metaMessages }: NodeLostError): Promise<SealedBlock> {
    const { clock, observe } = this.#options
    observe({ type: 'nodeLost', chainId, reason: metaMessages.join(' ') })
    const startedMs = clock.elapsedMs()
    for (let attempt = 1; ; attempt++) {
      try {
        const { head, blocks } = await this.#restoreOnce(chainId)
        const elapsedMs = clock.elapsedMs() - startedMs
        observe({ type: 'nodeRestored', chainId, blocks, elapsedMs })
        return head
      } catch (error) {
        const lost = error instanceof NodeLostError && !this.#stopped
        if (!lost || attempt === restoresMax) throw error
        await new Promise<void>((resolve) => clock.after(restorePauseMs * attempt, resolve))
        if (this.#stopped) throw error
      }
    }
  }

  async #restoreOnce(chainId: number): Promise<{ head: SealedBlock; blocks: number }> {
    const lane = this.#lane(chainId)
    const from = await lane.driver.restore()
    const wanted = new Map([[chainId, { head: from, number: lane.target }]])
    const pass = { ...this.#options, places: this.#places }
    const { heads, lost, differing } = await derivePass(pass, wanted)
    const again = lost.get(chainId) ?? differing.get(chainId)
    if (again !== undefined) throw again
    lane.generation += 1
    return { head: heads.get(chainId) ?? from, blocks: lane.target - from.number }
  }
}

function newLane(driver: ChainDriver): Lane {
  return { driver, target: 0, generation: 0, sealedIn: undefined, restoring: undefined }
}
