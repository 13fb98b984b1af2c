import express, { type Express, type Response } from 'express'
import { z } from 'zod'
import type { Hash } from '../../sdk/protocol/hex.ts'
import { STAGES, type MessageRecord } from '../core/stages.ts'
import type { LaneState } from './lane.ts'
import type { Records } from './records.ts'
import type { IsmNode } from './resolver.ts'

/** What the operator API answers from. */
export type ApiContext = {
  /** Records over a connection that rather fails than waits. */
  records: Records
  lanes: () => readonly LaneState[]
  /** The security modules of a message as they stand now, and why its metadata cannot be built. */
  explain: (record: MessageRecord) => Promise<IsmNode | undefined>
}

const PAGE_MAX = 200

const query = z.strictObject({
  status: z.enum(STAGES).optional(),
  origin: z.coerce.number().int().positive().optional(),
  dest: z.coerce.number().int().positive().optional(),
  class: z.string().max(32).optional(),
  cursor: z.coerce.number().int().min(0).max(10_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
})

const idSchema = z.string().regex(/^0x[0-9a-fA-F]{64}$/)

/** Adds the operator API's routes to a server. */
export function mountApi(app: Express, context: ApiContext): void {
  const { records, lanes } = context
  const router = express.Router()
  router.get('/messages', async (request, response) => {
    const parsed = query.safeParse(request.query)
    if (!parsed.success) return refuse(response, parsed.error)
    const { cursor, limit } = parsed.data
    const { status = 'seen', ...filters } = parsed.data
    const page = await records.list(status, cursor, limit)
    const messages = page.filter((record) => matches(record, filters)).map(summary)
    const next = page.length === limit ? cursor + limit : null
    response.json({ messages, next })
  })
  router.get('/messages/counts', async (_request, response) => {
    response.json(Object.fromEntries(await records.counts()))
  })
  router.get('/messages/:id', async (request, response) => {
    const parsed = idSchema.safeParse(request.params.id)
    if (!parsed.success) return refuse(response, parsed.error)
    const id = parsed.data.toLowerCase() as Hash
    const record = await records.load(id)
    if (record === undefined) {
      const message = `Message ${id} is not known here.`
      response.status(404).json({ error: { name: 'UNKNOWN_MESSAGE', message } })
      return
    }
    const [timeline, ism] = await Promise.all([records.timeline(id), context.explain(record)])
    response.json({ ...record, timeline, ism })
  })
  router.get('/lanes', (_request, response) => {
    response.json({ lanes: lanes() })
  })
  app.use('/v1', router)
}

function matches(
  record: MessageRecord,
  filters: { origin?: number | undefined; dest?: number | undefined; class?: string | undefined },
): boolean {
  const { origin, dest, class: messageClass } = filters
  return (
    (origin === undefined || record.origin === origin) &&
    (dest === undefined || record.destination === dest) &&
    (messageClass === undefined || record.class === messageClass)
  )
}

function summary({ raw: _raw, metadata: _metadata, ...rest }: MessageRecord) {
  return rest
}

function refuse(response: Response, error: z.ZodError): void {
  const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  response.status(400).json({ error: { name: 'INVALID_REQUEST', message: faults.join('; ') } })
}
