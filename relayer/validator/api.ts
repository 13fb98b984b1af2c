import express, { type Express } from 'express'
import { z } from 'zod'
import { encodeCheckpointFile, type SignedCheckpoint } from '../core/checkpoint-file.ts'
import type { Published } from './published.ts'
import type { Storage } from './storage.ts'
import type { WatchState } from './watch.ts'

/** What a validator's server answers from. */
export type ValidatorApiContext = {
  published: Published
  storage: Storage
  state: () => WatchState
}

const PAGE_MAX = 256
const WAIT_MS_MAX = 30_000

const query = z.strictObject({
  from: z.union([z.literal('latest'), z.coerce.number().int().min(0).max(0xffff_ffff)]),
  waitMs: z.coerce.number().int().min(0).max(WAIT_MS_MAX).default(0),
})

/**
 * Adds a validator's routes to a server: `GET /v1/checkpoints/:index` gives one checkpoint in the form
 * of its file, `GET /v1/checkpoints?from=&waitMs=` gives the next ones, waiting for the first if asked.
 */
export function mountValidatorApi(app: Express, context: ValidatorApiContext): void {
  const { published, storage, state } = context
  const find = async (index: number): Promise<SignedCheckpoint | undefined> =>
    published.recent(index) ??
    (index < published.next() ? await storage.checkpoint(index) : undefined)

  const router = express.Router()
  router.get('/checkpoints', async (request, response) => {
    const parsed = query.safeParse(request.query)
    if (!parsed.success) {
      const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      response.status(400).json({ error: { name: 'INVALID_REQUEST', message: faults.join('; ') } })
      return
    }
    const { waitMs } = parsed.data
    const from = parsed.data.from === 'latest' ? published.next() : parsed.data.from
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    await published.wait(from, waitMs, gone.signal)
    const end = Math.min(published.next(), from + PAGE_MAX)
    const indexes = Array.from({ length: Math.max(0, end - from) }, (_, i) => from + i)
    const found = await Promise.all(indexes.map(find))
    const checkpoints = found.filter((one) => one !== undefined).map(jsonOf)
    response.json({ next: Math.max(from, end), checkpoints })
  })
  router.get('/checkpoints/:index', async (request, response) => {
    const { index } = request.params
    const found = /^\d{1,10}$/.test(index) ? await find(Number(index)) : undefined
    if (found === undefined) {
      const message = `There is no checkpoint ${index.slice(0, 20)} here.`
      response.status(404).json({ error: { name: 'UNKNOWN_CHECKPOINT', message } })
      return
    }
    response.type('application/json').send(encodeCheckpointFile(found))
  })
  router.get('/tree', (_request, response) => {
    const { leaves, root, signed, halted = null } = state()
    response.json({ leaves, root, signed, halted })
  })
  app.use('/v1', router)
}

function jsonOf(signed: SignedCheckpoint): unknown {
  return JSON.parse(encodeCheckpointFile(signed))
}
