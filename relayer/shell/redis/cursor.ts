import type { Redis } from 'ioredis'
import { z } from 'zod'
import { commit, type CommitStatus, type Fence, type Write } from './commit.ts'
import type { RedisKeys } from './keys.ts'
import type { BlockMark } from '../../core/sequence.ts'

/** How far an origin was searched. */
export type Cursor = {
  version: 1
  /** Next block that was never searched. */
  next: number
  /** Dispatches found, without a gap: nonces 0 to count − 1. */
  count: number
  /** Newest blocks searched, in rising order, by which a reorganisation is seen. */
  marks: readonly BlockMark[]
}

const schema = z.object({
  version: z.literal(1),
  next: z.int().min(0),
  count: z.int().min(0),
  marks: z.array(z.object({ number: z.int(), hash: z.templateLiteral(['0x', z.string()]) })),
})

/** Loads an origin's cursor as it stands in Redis; undefined when there is none. */
export async function loadCursor(
  redis: Redis,
  keys: RedisKeys,
  chainId: number,
): Promise<{ cursor: Cursor; text: string } | undefined> {
  const text = await redis.hget(keys.cursor(chainId), 'data')
  return text === null ? undefined : { cursor: schema.parse(JSON.parse(text)), text }
}

/** Moves an origin's cursor, if nobody else moved it since and the lease is still ours. */
export async function saveCursor(
  redis: Redis,
  keys: RedisKeys,
  request: {
    chainId: number
    fence: Fence
    before: string | null
    after: Cursor
    writes?: readonly Write[] | undefined
  },
): Promise<CommitStatus> {
  const { chainId, fence, before, after, writes = [] } = request
  const key = keys.cursor(chainId)
  return await commit(redis, {
    primary: key,
    fence,
    checks: [{ key, field: 'data', equals: before }],
    writes: [['HSET', key, 'data', JSON.stringify(after), 'at', '@now'], ...writes],
  })
}
