import { keccak256 } from 'viem/utils'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { SealedBlock } from '../../core/execution.ts'
import type { SealOutcome } from '../../core/input.ts'
import type { SignedLeg } from '../../core/leg.ts'
import { NodeLostError, type BlockPlan, type ChainDriver } from '../drivers/driver.ts'
import type { LogStore } from '../log/log-store.ts'
import type { Clock, EngineEvent } from './options.ts'
import type { BlockIndex, Plans } from './plans.ts'
import { superblocks } from './superblocks.ts'

/** The rollups' nodes as the engine uses them: a node that is lost comes back with its blocks. */
export type Blocks = {
  /** Starts every node; gives the heads that they start from. */
  start: () => Promise<Map<number, SealedBlock>>
  /** Runs one operation on a node; when the node is lost, again on the restored one. */
  run: <T>(chainId: number, operation: (driver: ChainDriver) => Promise<T>) => Promise<T>
  /** Derives rollups' blocks after their nodes' heads up to a number from the log; gives the new heads. */
  derive: (wanted: ReadonlyMap<number, Wanted>) => Promise<Map<number, SealedBlock>>
  seal: (chainId: number, plans: Plans) => Promise<SealOutcome>
  /** Sends legs ahead; a lost node gets them when its block is sealed. */
  stage: (chainId: number, legs: readonly SignedLeg[]) => Promise<void>
  publish: (chainId: number) => Promise<void>
  rollBack: (chainId: number) => Promise<void>
  stop: () => Promise<void>
}

/** A rollup's head, and the block that it must be brought to. */
export type Wanted = { head: SealedBlock; number: number }

/** Restarts of one node without a success in between. */
const restoresMax = 8
const restorePauseMs = 250

/** Makes the engine's side of the drivers. */
export function createBlocks(options: {
  drivers: ReadonlyMap<number, ChainDriver>
  log: LogStore
  index: BlockIndex
  clock: Clock
  observe: (event: EngineEvent) => void
}): Blocks {
  const { drivers, log, index, clock, observe } = options
  const lanes = new Map([...drivers].map(([chainId, driver]) => [chainId, newLane(driver)]))
  const laneOf = (chainId: number) => lanes.get(chainId) as Lane

  /** Derives blocks in one pass over the log; a node that is lost on the way is left out and named. */
  const pass = async (wanted: ReadonlyMap<number, Wanted>) => {
    const lost = new Map<number, NodeLostError>()
    const heads = new Map([...wanted].map(([chainId, { head }]) => [chainId, head]))
    const from = firstHeight(index, wanted)
    for await (const { plans, headers } of superblocks(log, from ?? log.tip() + 1)) {
      const work = [...plans].map(async ([chainId, plan]) => {
        const want = wanted.get(chainId)
        const { number } = plan.env
        if (want === undefined || number <= want.head.number || number > want.number) return
        if (lost.has(chainId)) return
        const header = headers.get(chainId)
        const hash = header === undefined ? undefined : keccak256(header)
        try {
          heads.set(chainId, await deriveBlock(laneOf(chainId).driver, { plan, hash }))
        } catch (error) {
          if (!(error instanceof NodeLostError)) throw error
          lost.set(chainId, error)
        }
      })
      await Promise.all(work)
    }
    for (const [chainId, { number }] of wanted) {
      const head = heads.get(chainId) as SealedBlock
      if (head.number >= number || lost.has(chainId)) continue
      throw new DerivationError(chainId, `block ${number}`, `block ${head.number}`)
    }
    return { heads, lost }
  }
  const restore = async (chainId: number, reason: string): Promise<SealedBlock> => {
    const lane = laneOf(chainId)
    observe({ type: 'nodeLost', chainId, reason })
    const startedMs = clock.nowMs()
    for (let attempt = 1; ; attempt++) {
      try {
        const head = await lane.driver.restore()
        const { heads, lost } = await pass(new Map([[chainId, { head, number: lane.target }]]))
        const again = lost.get(chainId)
        if (again !== undefined) throw again
        lane.generation += 1
        const blocks = lane.target - head.number
        observe({ type: 'nodeRestored', chainId, blocks, elapsedMs: clock.nowMs() - startedMs })
        return heads.get(chainId) as SealedBlock
      } catch (error) {
        if (!(error instanceof NodeLostError) || attempt === restoresMax) throw error
        await new Promise<void>((resolve) => clock.after(restorePauseMs * attempt, resolve))
      }
    }
  }
  const restored = (chainId: number, reason: string): Promise<SealedBlock> => {
    const lane = laneOf(chainId)
    lane.restoring ??= restore(chainId, reason).finally(() => {
      lane.restoring = undefined
    })
    return lane.restoring
  }
  const run: Blocks['run'] = async (chainId, operation) => {
    const lane = laneOf(chainId)
    for (;;) {
      await lane.restoring
      try {
        return await operation(lane.driver)
      } catch (error) {
        if (!(error instanceof NodeLostError)) throw error
        await restored(chainId, error.metaMessages.join(' '))
      }
    }
  }
  /** Runs what a restored node needs no more: it comes back with its sealed blocks published. */
  const runUnlessRestored = async (
    chainId: number,
    operation: (driver: ChainDriver) => Promise<void>,
  ) => {
    const { generation } = laneOf(chainId)
    await run(chainId, async (driver) => {
      if (laneOf(chainId).generation === generation) await operation(driver)
    })
  }

  return {
    start: async () => {
      const started = [...lanes].map(async ([chainId, lane]) => {
        const head = await lane.driver.start()
        lane.target = head.number
        return [chainId, head] as const
      })
      return new Map(await Promise.all(started))
    },
    run,
    derive: async (wanted) => {
      for (const [chainId, { number }] of wanted) laneOf(chainId).target = number
      const { heads, lost } = await pass(wanted)
      for (const [chainId, error] of lost) {
        heads.set(chainId, await restored(chainId, error.metaMessages.join(' ')))
      }
      return heads
    },
    stage: (chainId, legs) => runUnlessRestored(chainId, (driver) => driver.stage(legs)),
    seal: async (chainId, plans) => {
      const lane = laneOf(chainId)
      const plan = plans.get(chainId)
      if (plan === undefined) throw new DerivationError(chainId, 'a sealed chain has a plan', 'none')
      const sealed = await run(chainId, (driver) => driver.seal(plan))
      if (sealed.kind === 'sealed') {
        lane.target = sealed.block.number
        lane.sealedIn = lane.generation
      }
      return { chainId, ...sealed }
    },
    publish: (chainId) =>
      run(chainId, async (driver) => {
        const lane = laneOf(chainId)
        // A node that was restored after it sealed came back with the block published.
        if (lane.generation === lane.sealedIn) await driver.publish()
        lane.sealedIn = undefined
      }),
    rollBack: async (chainId) => {
      const lane = laneOf(chainId)
      const { sealedIn } = lane
      lane.sealedIn = undefined
      if (sealedIn !== undefined) lane.target -= 1
      if (sealedIn === undefined || lane.generation === sealedIn) {
        return runUnlessRestored(chainId, (driver) => driver.rollback())
      }
      await restored(chainId, 'it was restored to a block that is rolled back')
    },
    stop: async () => {
      await Promise.all([...drivers.values()].map((driver) => driver.stop()))
    },
  }
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

function newLane(driver: ChainDriver): Lane {
  return { driver, target: 0, generation: 0, sealedIn: undefined, restoring: undefined }
}

async function deriveBlock(
  driver: ChainDriver,
  { plan, hash }: { plan: BlockPlan; hash: Hash | undefined },
): Promise<SealedBlock> {
  const { chainId } = driver
  const sealed = await driver.seal(plan)
  if (sealed.kind === 'difference') {
    const { what, expected, actual } = sealed.difference
    throw new DerivationError(chainId, `block ${plan.env.number} has ${what} ${expected}`, actual)
  }
  if (hash !== undefined && sealed.block.hash !== hash) {
    throw new DerivationError(chainId, `block ${plan.env.number} has hash ${hash}`, sealed.block.hash)
  }
  await driver.publish()
  return sealed.block
}

/** Height at which reading must begin so that every wanted block is met; undefined when none is. */
function firstHeight(index: BlockIndex, wanted: ReadonlyMap<number, Wanted>): number | undefined {
  const heights = [...wanted].flatMap(([chainId, { head, number }]) => {
    if (head.number >= number) return []
    const height = index.heightOf(chainId, head.number + 1)
    if (height === undefined) {
      throw new DerivationError(chainId, `block ${head.number + 1} is in the log`, 'it is not')
    }
    return [height]
  })
  return heights.length === 0 ? undefined : Math.min(...heights)
}

/** A rollup cannot be derived from the log as it was promised. */
export class DerivationError extends BaseError {
  override readonly name = 'DerivationError'
  readonly chainId: number

  constructor(chainId: number, expected: string, actual: string) {
    super(`Chain ${chainId} cannot be derived from the log.`, {
      code: 'DERIVATION',
      retryable: false,
      metaMessages: [`expected: ${expected}`, `found: ${actual}`],
    })
    this.chainId = chainId
  }
}
