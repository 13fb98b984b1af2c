import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import { heightBefore, type BlockHeights } from '../../core/superblocks/block-heights.ts'
import type { SealedBlock } from '../../core/entries/execution.ts'
import { NodeLostError, type BlockPlan, type ChainDriver } from '../drivers/driver.ts'
import type { LogStore } from '../log/log-store.ts'
import { superblocks } from './superblocks.ts'

/** A rollup's head, and the block that it must be brought to. */
export type Wanted = { head: SealedBlock; number: number }

/** What a pass over the log needs. */
export type DeriveOptions = {
  drivers: ReadonlyMap<number, ChainDriver>
  log: LogStore
  /** Where the rollups' blocks begin in the log. */
  places: ReadonlyMap<number, BlockHeights>
}

/** Heads after a pass; a node that was lost on the way is left where it was. */
export type Derived = {
  heads: Map<number, SealedBlock>
  lost: Map<number, NodeLostError>
  /** Rollups whose last block differs; the log does not have its hash yet. */
  differing: Map<number, DerivationError>
}

/**
 * Derives the wanted blocks in one pass over the log, all rollups at once.
 *
 * @throws {@link DerivationError} when a block does not follow from the log as promised.
 */
export async function derivePass(
  { drivers, log, places }: DeriveOptions,
  wanted: ReadonlyMap<number, Wanted>,
): Promise<Derived> {
  const lost = new Map<number, NodeLostError>()
  const differing = new Map<number, DerivationError>()
  const heads = new Map([...wanted].map(([chainId, { head }]) => [chainId, head]))
  const from = firstHeight(places, wanted)
  for await (const { plans, headers } of superblocks(log, from ?? log.tip() + 1)) {
    const work = [...plans].map(async ([chainId, plan]) => {
      const driver = drivers.get(chainId)
      if (driver === undefined || lost.has(chainId)) return
      if (!isWanted(wanted.get(chainId), plan.env.number)) return
      const header = headers.get(chainId)
      const hash = header === undefined ? undefined : keccak256(header)
      const head = heads.get(chainId)
      if (head !== undefined && head.hash !== plan.env.parentHash) {
        const { parentHash, number } = plan.env
        throw new DerivationError(chainId, `block ${number - 1} has hash ${parentHash}`, head.hash)
      }
      try {
        heads.set(chainId, await deriveBlock(driver, { plan, hash }))
      } catch (error) {
        const unrecorded = hash === undefined && plan.env.number === wanted.get(chainId)?.number
        if (error instanceof NodeLostError) lost.set(chainId, error)
        else if (error instanceof DerivationError && unrecorded) differing.set(chainId, error)
        else throw error
      }
    })
    await Promise.all(work)
  }
  for (const [chainId, { number }] of wanted) {
    const reached = heads.get(chainId)?.number ?? 0
    if (reached >= number || lost.has(chainId) || differing.has(chainId)) continue
    throw new DerivationError(chainId, `block ${number}`, `block ${reached}`)
  }
  return { heads, lost, differing }
}

function isWanted(wanted: Wanted | undefined, number: number): boolean {
  return wanted !== undefined && number > wanted.head.number && number <= wanted.number
}

/** Height at which reading must begin so that every wanted block is met; undefined when none is. */
function firstHeight(
  places: ReadonlyMap<number, BlockHeights>,
  wanted: ReadonlyMap<number, Wanted>,
): number | undefined {
  const heights = [...wanted].flatMap(([chainId, { head, number }]) => {
    if (head.number >= number) return []
    const height = heightBefore(places, chainId, head.number + 1)
    if (height === undefined) {
      throw new DerivationError(chainId, `block ${head.number + 1} is in the log`, 'it is not')
    }
    return [height]
  })
  return heights.length === 0 ? undefined : Math.min(...heights)
}

async function deriveBlock(
  driver: ChainDriver,
  { plan, hash }: { plan: BlockPlan; hash: Hash | undefined },
): Promise<SealedBlock> {
  const { chainId } = driver
  let sealed = await driver.seal(plan)
  if (sealed.kind === 'difference') {
    // As with a new block: a difference that does not stay is nobody's business.
    await driver.rollback()
    sealed = await driver.seal(plan)
  }
  if (sealed.kind === 'difference') {
    await driver.rollback()
    const { what, expected, actual } = sealed.difference
    throw new DerivationError(chainId, `block ${plan.env.number} has ${what} ${expected}`, actual)
  }
  if (hash !== undefined && sealed.block.hash !== hash) {
    const { number } = plan.env
    throw new DerivationError(chainId, `block ${number} has hash ${hash}`, sealed.block.hash)
  }
  await driver.publish()
  return sealed.block
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
