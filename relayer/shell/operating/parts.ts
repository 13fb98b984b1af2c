import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { RedisKeys } from '../redis/keys.ts'
import { redisTimeMs } from '../redis/records.ts'

const lane = z.object({
  kind: z.literal('lane'),
  chainId: z.number(),
  lane: z.string(),
  signer: z.string(),
  pending: z.number(),
  latestNonce: z.number().nullable(),
  held: z.string().nullable(),
})

const indexer = z.object({
  kind: z.literal('indexer'),
  chainId: z.number(),
  chain: z.string(),
  trouble: z.string().nullable(),
})

const part = z.discriminatedUnion('kind', [lane, indexer])

/** What a part of a relayer says of itself: the process that owns it speaks for all. */
export type PartState = z.infer<typeof part>

/** A part's own word and how old it is. */
export type Part = PartState & { process: string; ageMs: number }

const PUBLISH_MS = 1_000

/** Tells the other processes how the parts that this one owns are doing. */
export function publishParts(options: {
  redis: Redis
  keys: RedisKeys
  process: string
  owned: () => readonly PartState[]
  onError: (error: unknown) => void
}): { stop: () => void } {
  const { redis, keys, process, owned, onError } = options
  const publish = async () => {
    const states = owned()
    if (states.length === 0) return
    const atMs = await redisTimeMs(redis)
    const fields = states.flatMap((state) => {
      return [partName(state), JSON.stringify({ ...state, process, atMs })]
    })
    await redis.hset(keys.parts, ...fields)
  }
  const timer = setInterval(() => void publish().catch(onError), PUBLISH_MS)
  void publish().catch(onError)
  return { stop: () => clearInterval(timer) }
}

/** Names a part: one word per lane, one per indexer. */
export function partName(state: PartState): string {
  const { chainId } = state
  return state.kind === 'lane' ? `lane-${chainId}-${state.lane}` : `indexer-${chainId}`
}

/** Reads what every part said last. */
export async function readParts(redis: Redis, keys: RedisKeys): Promise<readonly Part[]> {
  const [fields, nowMs] = await Promise.all([redis.hgetall(keys.parts), redisTimeMs(redis)])
  return Object.values(fields).flatMap((text) => {
    const told = JSON.parse(text) as { process?: string; atMs?: number }
    const parsed = part.safeParse(told)
    if (!parsed.success) return []
    const ageMs = Math.max(0, nowMs - (told.atMs ?? 0))
    return [{ ...parsed.data, process: told.process ?? '', ageMs }]
  })
}
