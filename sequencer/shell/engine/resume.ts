import { BaseError, TandemError } from '../../../sdk/protocol/errors.ts'
import type { ChainHead } from '../../core/entries/execution.ts'
import type { BlockPlan } from '../drivers/driver.ts'
import type { Blocks } from './blocks.ts'
import type { Engine } from './engine.ts'

/** Rollups on their way back, by chain id. */
export type Resumptions = {
  /**
   * Begins with a rollup; the answer is there when it goes on.
   *
   * @throws TandemError when it is on its way already.
   */
  begin: (chainId: number) => Promise<void>
  /** Keeps the withheld block of a rollup until its slot is written. */
  keep: (chainId: number, plan: BlockPlan) => void
  plan: (chainId: number) => BlockPlan | undefined
  /** It goes on, or, with a reason, does not. */
  end: (chainId: number, reason?: string) => void
  abandon: (error: unknown) => void
}

/** Keeps the rollups that are on their way back. */
export function createResumptions(): Resumptions {
  const waiting = new Map<
    number,
    { plan?: BlockPlan; resolve: () => void; reject: (error: unknown) => void }
  >()
  const take = (chainId: number) => {
    const waiter = waiting.get(chainId)
    waiting.delete(chainId)
    return waiter
  }
  return {
    begin: (chainId) => {
      if (waiting.has(chainId)) {
        throw new TandemError('RESUME_FAILED', { chainId, reason: 'it is being resumed already' })
      }
      return new Promise((resolve, reject) => waiting.set(chainId, { resolve, reject }))
    },
    keep: (chainId, plan) => {
      const waiter = waiting.get(chainId)
      if (waiter !== undefined) waiter.plan = plan
    },
    plan: (chainId) => waiting.get(chainId)?.plan,
    end: (chainId, reason) => {
      const waiter = take(chainId)
      if (reason === undefined) waiter?.resolve()
      else waiter?.reject(new TandemError('RESUME_FAILED', { chainId, reason }))
    },
    abandon: (error) => {
      for (const chainId of waiting.keys()) take(chainId)?.reject(error)
    },
  }
}

/**
 * Lets a stopped rollup go on: its node is started again, the withheld block is derived and compared,
 * and only then does the log say so and the block become visible.
 *
 * @returns The rollup's head with that block.
 * @throws TandemError UNKNOWN_CHAIN, NOT_STOPPED, or RESUME_FAILED with the reason; it stays stopped.
 */
export async function resumeRollup(engine: Engine, chainId: number): Promise<ChainHead> {
  const { state, options, blocks, resumptions } = engine
  const { chains } = options.config
  if (!chains.some((chain) => chain.chainId === chainId)) {
    const known = chains.map((chain) => chain.chainId).join(', ')
    throw new TandemError('UNKNOWN_CHAIN', { chainId, known })
  }
  if (!state.stopped.has(chainId)) throw new TandemError('NOT_STOPPED', { chainId })
  if (state.superblock.blocks.has(chainId)) {
    const reason = 'a block of it is being made, try again'
    throw new TandemError('RESUME_FAILED', { chainId, reason })
  }
  const done = resumptions.begin(chainId)
  void tryOnce(engine, blocks, chainId)
  await done
  return state.heads.get(chainId) as ChainHead
}

async function tryOnce(engine: Engine, blocks: Blocks, chainId: number): Promise<void> {
  const { resumptions } = engine
  try {
    const withheld = await blocks.tryWithheld(chainId)
    if (withheld !== undefined) resumptions.keep(chainId, withheld.plan)
    engine.dispatch({ type: 'resume', chainId, slot: withheld?.slot ?? 0 })
  } catch (error) {
    const text =
      error instanceof BaseError
        ? [error.shortMessage, ...error.metaMessages].join(' ')
        : (error as Error).message
    resumptions.end(chainId, text)
  }
}
