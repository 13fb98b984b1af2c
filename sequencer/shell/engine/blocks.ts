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
  /** Last sealed block by chain: what a restored node must be brought to. */
  const targets = new Map<number, number>()
  const restoring = new Map<number, Promise<void>>()
  const driverOf = (chainId: number) => drivers.get(chainId) as ChainDriver

  const derive: Blocks['derive'] = async (wanted) => {
    const heads = new Map([...wanted].map(([chainId, { head }]) => [chainId, head]))
    const from = firstHeight(index, wanted)
    for await (const { plans, headers } of superblocks(log, from ?? log.tip() + 1)) {
      const due = [...plans].filter(([chainId, plan]) => {
        const want = wanted.get(chainId)
        const number = plan.env.number
        return want !== undefined && number > want.head.number && number <= want.number
      })
      await Promise.all(
        due.map(async ([chainId, plan]) => {
          const driver = driverOf(chainId)
          const header = headers.get(chainId)
          const hash = header === undefined ? undefined : keccak256(header)
          heads.set(chainId, await deriveBlock(driver, { plan, hash }))
        }),
      )
    }
    for (const [chainId, { number }] of wanted) {
      const head = heads.get(chainId) as SealedBlock
      if (head.number < number) throw new DerivationError(chainId, `block ${number}`, `${head.number}`)
      targets.set(chainId, head.number)
    }
    return heads
  }
  const restore = async (chainId: number, reason: string) => {
    observe({ type: 'nodeLost', chainId, reason })
    const startedMs = clock.nowMs()
    for (let attempt = 1; ; attempt++) {
      try {
        const head = await driverOf(chainId).restore()
        const target = targets.get(chainId) ?? head.number
        await derive(new Map([[chainId, { head, number: target }]]))
        const blocks = target - head.number
        observe({ type: 'nodeRestored', chainId, blocks, elapsedMs: clock.nowMs() - startedMs })
        return
      } catch (error) {
        if (!(error instanceof NodeLostError) || attempt === restoresMax) throw error
        await new Promise<void>((resolve) => clock.after(restorePauseMs * attempt, resolve))
      }
    }
  }
  const restored = (error: NodeLostError) => {
    const { chainId } = error
    const running = restoring.get(chainId)
    if (running !== undefined) return running
    const reason = error.metaMessages.join(' ')
    const started = restore(chainId, reason).finally(() => restoring.delete(chainId))
    restoring.set(chainId, started)
    return started
  }
  const run: Blocks['run'] = async (chainId, operation) => {
    for (;;) {
      await restoring.get(chainId)
      try {
        return await operation(driverOf(chainId))
      } catch (error) {
        if (!(error instanceof NodeLostError)) throw error
        await restored(error)
      }
    }
  }
  /** Runs what a restored node needs no more: it comes back with its sealed blocks published. */
  const runOrRestore = async (
    chainId: number,
    operation: (driver: ChainDriver) => Promise<void>,
  ) => {
    try {
      await restoring.get(chainId)
      await operation(driverOf(chainId))
    } catch (error) {
      if (!(error instanceof NodeLostError)) throw error
      await restored(error)
    }
  }

  return {
    start: async () => {
      const started = [...drivers].map(async ([chainId, driver]) => {
        const head = await driver.start()
        targets.set(chainId, head.number)
        return [chainId, head] as const
      })
      return new Map(await Promise.all(started))
    },
    run,
    derive,
    seal: async (chainId, plans) => {
      const plan = plans.get(chainId)
      if (plan === undefined) throw new DerivationError(chainId, 'a sealed chain has a plan', 'none')
      const sealed = await run(chainId, (driver) => driver.seal(plan))
      return { chainId, ...sealed }
    },
    stage: (chainId, legs) => runOrRestore(chainId, (driver) => driver.stage(legs)),
    publish: async (chainId) => {
      const number = (targets.get(chainId) ?? 0) + 1
      targets.set(chainId, number)
      await runOrRestore(chainId, (driver) => driver.publish())
    },
    rollBack: (chainId) => runOrRestore(chainId, (driver) => driver.rollback()),
    stop: async () => {
      await Promise.all([...drivers.values()].map((driver) => driver.stop()))
    },
  }
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
