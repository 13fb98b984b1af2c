import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { RedisKeys } from '../../redis/keys.ts'
import { ApiError, route, STREAMED, type Route } from './routes.ts'

const READERS_MAX = 64
const BLOCK_MS = 5_000
const BATCH_MAX = 256

/**
 * The stream of changes, as server-sent events: each carries its id, so that a reader that comes
 * back with `Last-Event-ID` misses nothing that the capped stream still holds.
 */
export function streamRoute(options: { redis: Redis; keys: RedisKeys }): Route {
  const { redis, keys } = options
  let readers = 0
  return route({
    method: 'get',
    path: '/v1/stream',
    scope: 'read',
    summary: 'Every change of every message as it happens (server-sent events)',
    query: z.strictObject({
      id: z
        .string()
        .regex(/^0x[0-9a-fA-F]{64}$/)
        .optional(),
    }),
    handle: async ({ query, request, response }) => {
      if (readers >= READERS_MAX) throw new ApiError(503, 'TOO_MANY_READERS', 'Try again later.')
      readers += 1
      // A reading that waits for news needs a connection of its own.
      const connection = redis.duplicate({
        commandTimeout: BLOCK_MS + 2_000,
        enableOfflineQueue: true,
      })
      connection.on('error', () => {})
      let open = true
      response.on('close', () => {
        open = false
        connection.disconnect()
      })
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(': changes of messages\n\n')
      const last = request.get('last-event-id')
      try {
        const wanted = query.id?.toLowerCase()
        let from = last !== undefined && /^\d+-\d+$/.test(last) ? last : await newest(redis, keys)
        while (open) {
          const found = await connection.xread(
            ...(['COUNT', BATCH_MAX, 'BLOCK', BLOCK_MS, 'STREAMS', keys.events, from] as const),
          )
          if (found === null) response.write(': nothing new\n\n')
          for (const [id, fields] of found?.[0]?.[1] ?? []) {
            from = id
            const [, messageId, , stage, , event, , detail] = fields
            if (wanted !== undefined && wanted !== messageId) continue
            const data = JSON.stringify({ messageId, stage, event, detail })
            response.write(`id: ${id}\nevent: message\ndata: ${data}\n\n`)
          }
        }
      } catch {
        // The reader went away, or Redis did: the reader comes back with the last id it had.
      } finally {
        readers -= 1
        connection.disconnect()
        response.end()
      }
      return STREAMED
    },
  })
}

async function newest(redis: Redis, keys: RedisKeys): Promise<string> {
  const [entry] = await redis.xrevrange(keys.events, '+', '-', 'COUNT', 1)
  return entry?.[0] ?? '0-0'
}
