import type { Redis } from 'ioredis'
import type { Stage } from '../../core/stages.ts'
import type { Controls } from './controls.ts'
import type { RedisKeys } from '../redis/keys.ts'
import { partName, readParts, type Part } from './parts.ts'
import { redisTimeMs, type Records } from '../redis/records.ts'

/** What readiness is judged by. */
export type ReadinessContext = {
  redis: Redis
  keys: RedisKeys
  records: Records
  controls: Controls
  /** Chains that must be searched and that have signer lanes, by name. */
  chains: ReadonlyMap<number, string>
  lanes: readonly string[]
}

const SILENT_MS_MAX = 10_000
/** Milliseconds that a message may stay in a stage that states no reason. */
const STAGE_MS_MAX: Readonly<Partial<Record<Stage, number>>> = {
  seen: 30_000,
  prepared: 30_000,
  reserved: 30_000,
  signed: 30_000,
  broadcast: 120_000,
}

/**
 * Says whether messages make progress: Redis takes writes, every origin is searched, every lane is
 * served and may pay, and nothing waits for long without a reason.
 */
export async function readinessOf(
  context: ReadinessContext,
): Promise<{ ready: boolean; reasons: readonly string[] }> {
  const { redis, keys } = context
  try {
    await redis.set(keys.lease('probe'), '1', 'PX', 1_000)
  } catch (error) {
    return { ready: false, reasons: [`redis: ${(error as Error).message}`] }
  }
  const parts = new Map((await readParts(redis, keys)).map((part) => [partName(part), part]))
  const wanted = [...context.chains.keys()].map((chainId) => `indexer-${chainId}`)
  const reasons = [...wanted, ...context.lanes].flatMap((name) => faultOf(name, parts.get(name)))
  return finish([...reasons, ...(await stuck(context))])
}

function finish(reasons: readonly string[]) {
  return { ready: reasons.length === 0, reasons }
}

function faultOf(name: string, part: Part | undefined): readonly string[] {
  if (part === undefined) return [`${name}: nobody serves it`]
  if (part.ageMs > SILENT_MS_MAX) return [`${name}: silent for ${Math.round(part.ageMs / 1_000)} s`]
  const trouble = part.kind === 'lane' ? part.held : part.trouble
  return trouble === null ? [] : [`${name}: ${trouble}`]
}

async function stuck({ redis, records }: ReadinessContext): Promise<readonly string[]> {
  const nowMs = await redisTimeMs(redis)
  const found = await Promise.all(
    (Object.entries(STAGE_MS_MAX) as [Stage, number][]).map(async ([stage, max]) => {
      const sinceMs = await records.oldestMs(stage)
      if (sinceMs === undefined || nowMs - sinceMs <= max) return []
      const [oldest] = await records.list(stage, 0, 1)
      // What waits for a reason that is stated waits rightly.
      if (oldest === undefined || oldest.reason !== undefined) return []
      const seconds = Math.round((nowMs - sinceMs) / 1_000)
      return [`message ${oldest.id} has been ${stage} for ${seconds} s without a reason`]
    }),
  )
  return found.flat()
}
