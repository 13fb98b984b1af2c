import { InvariantError } from '../../../sdk/protocol/assert.ts'
import { BaseError } from '../../../sdk/protocol/errors.ts'
import type { Hash } from '../../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../../sdk/protocol/slot.ts'
import type { Fold } from '../../core/superblocks/fold.ts'
import { encodeSnapshot } from '../../core/snapshot/snapshot.ts'
import type { Blocks } from '../engine/blocks.ts'
import type { EngineOptions } from '../engine/options.ts'
import { createShadow } from './shadow.ts'

/** Makes the points from which a restart goes on. */
export type Recovery = {
  /** Notes a slot that is durable; slots come in order. */
  durable: (record: SlotRecord, hash: Hash) => void
  /** Notes blocks that were published, and says whether a point should be made now. */
  due: (chainIds: readonly number[]) => boolean
  /** Writes a point of the log as it is now; one that fails is told and changes nothing. */
  makePoint: () => Promise<void>
}

/** Work that a restart would have since the last point. */
type Tail = { slots: number; legs: number; blocks: Map<number, number> }

const noTail = (): Tail => ({ slots: 0, legs: 0, blocks: new Map() })

/** Makes the recovery of an engine that goes on from a fold, which is its own from now on. */
export function createRecovery(
  { drivers, points, recovery: settings, log, clock, observe }: EngineOptions,
  { fold, blocks }: { fold: Fold; blocks: Blocks },
): Recovery {
  const shadow = createShadow(fold)
  let tail = noTail()
  let making = false
  const pause = () => new Promise<void>((resolve) => clock.after(0, resolve))

  const write = async () => {
    const startedMs = clock.elapsedMs()
    tail = noTail()
    let height = 0
    // The nodes' snapshots are asked for before anything else can be asked of the nodes.
    const taking = [...drivers.keys()].map((chainId) =>
      blocks.run(chainId, (driver) => driver.snapshot()),
    )
    const encoding = shadow.freeze((frozen) => {
      height = frozen.state.height
      return encodeSnapshot(frozen)
    }, pause)
    const [parts] = await Promise.all([encoding, ...taking])
    // Last: a point that is there is whole.
    const bytes = await points.write(height, parts)
    observe({ type: 'point', height, bytes, elapsedMs: clock.elapsedMs() - startedMs })
    const oldest = settings.pruneBelow === undefined ? undefined : await points.oldest()
    if (oldest === undefined) return
    // A block that was withheld is made from its slot when its rollup goes on.
    await log.prune(Math.min(oldest, blocks.neededFrom(), settings.pruneBelow?.() ?? 0))
  }
  return {
    durable: (record, hash) => {
      shadow.add(record, hash)
      tail.slots += 1
      tail.legs += record.chains.reduce((sum, { legs }) => sum + legs.length, 0)
    },
    due: (chainIds) => {
      for (const id of chainIds) tail.blocks.set(id, (tail.blocks.get(id) ?? 0) + 1)
      const blocksMax = Math.max(0, ...tail.blocks.values())
      const enough =
        blocksMax >= settings.blocks || tail.slots >= settings.slots || tail.legs >= settings.legs
      return enough && !making
    },
    makePoint: async () => {
      if (making) return
      making = true
      try {
        await write()
      } catch (error) {
        if (error instanceof InvariantError) throw error
        // The log and the point before are as they were: a restart takes longer, and that is all.
        observe({ type: 'pointFailed', reason: reasonOf(error) })
      } finally {
        making = false
      }
    },
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof BaseError) return [error.shortMessage, ...error.metaMessages].join(' ')
  return error instanceof Error ? error.message : String(error)
}
