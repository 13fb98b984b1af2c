import { z } from 'zod'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { MESSAGE_CLASSES } from '../../../core/class.ts'
import { isListed, matchingListSchema, type MatchingList } from '../../../core/policy.ts'
import { STAGES, type MessageRecord, type Stage } from '../../../core/stages.ts'
import type { ApiContext } from './context.ts'
import { ApiError, route, type Route } from './routes.ts'

const PAGE_MAX = 200
/** Messages that one call may act on. */
const MANY_MAX = 1_000

const id = z.string().regex(/^0x[0-9a-fA-F]{64}$/)
const idParams = z.strictObject({ id })
const none = z.strictObject({})

/** Stages in which a message is not delivered and may be acted upon. */
const OPEN: readonly Stage[] = [
  'dead_letter',
  'filtered',
  'unpaid',
  'limited',
  'seen',
  'awaiting_finality',
  'awaiting_signatures',
  'prepared',
]

/** Routes about messages. */
export function messageRoutes(context: ApiContext): readonly Route[] {
  return [...readRoutes(context), ...actRoutes(context), ...hyperlaneRoutes(context)]
}

function listRoute({ records }: ApiContext): Route {
  return route({
    method: 'get',
    path: '/v1/messages',
    scope: 'read',
    summary: 'Messages by stage, oldest first; without a status those of every stage',
    query: z.strictObject({
      status: z.enum(STAGES).optional(),
      origin: z.coerce.number().int().positive().optional(),
      dest: z.coerce.number().int().positive().optional(),
      class: z.enum(MESSAGE_CLASSES).optional(),
      cursor: z
        .string()
        .regex(/^([a-z_]+:)?\d{1,8}$/)
        .optional(),
      limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
    }),
    handle: async ({ query }) => {
      const { status, cursor, limit } = query
      const stages = status === undefined ? STAGES : [status]
      const [at = '0', from = stages[0]] = (cursor ?? '0').split(':').toReversed()
      const begin = Math.max(0, stages.indexOf(from as Stage))
      const messages: unknown[] = []
      for (const stage of stages.slice(begin)) {
        let offset = stage === from ? Number(at) : 0
        for (;;) {
          const page = await records.list(stage, offset, limit)
          for (const [i, record] of page.entries()) {
            if (matches(record, query)) messages.push(summary(record))
            if (messages.length < limit) continue
            return { messages, next: `${stage}:${offset + i + 1}` }
          }
          offset += page.length
          if (page.length < limit) break
        }
      }
      return { messages, next: null }
    },
  })
}

function readRoutes(context: ApiContext): readonly Route[] {
  const { records } = context
  const counts = route({
    method: 'get',
    path: '/v1/messages/counts',
    scope: 'read',
    summary: 'How many messages are in each stage',
    handle: async () => Object.fromEntries(await records.counts()),
  })
  const one = route({
    method: 'get',
    path: '/v1/messages/:id',
    scope: 'read',
    summary: 'One message: its record, its timeline, its security modules and why it waits',
    params: idParams,
    handle: async ({ params }) => {
      const record = await found(context, params.id)
      const [timeline, ism] = await Promise.all([
        records.timeline(record.id),
        context.explain(record),
      ])
      return { ...record, timeline, ism }
    },
  })
  const dead = route({
    method: 'get',
    path: '/v1/dlq',
    scope: 'read',
    summary: 'Messages that were put aside, with the decoded reason',
    query: z.strictObject({ cursor: z.coerce.number().int().min(0).default(0) }),
    handle: async ({ query: { cursor } }) => {
      const page = await records.list('dead_letter', cursor, PAGE_MAX)
      const next = page.length === PAGE_MAX ? cursor + PAGE_MAX : null
      return { messages: page.map(summary), next }
    },
  })
  return [listRoute(context), counts, one, dead]
}

type Act = 'retry' | 'requeue' | 'drop'

async function act(
  { records, controls }: ApiContext,
  record: MessageRecord,
  { act: what, actor }: { act: Act; actor: string },
): Promise<MessageRecord> {
  const reason = { code: 'operator', text: `${what} by ${actor}` }
  const event =
    what === 'drop'
      ? ({ type: 'dropped', reason } as const)
      : what === 'retry'
        ? ({ type: 'retried', reason } as const)
        : ({ type: 'requeued', reason, failed: false } as const)
  // To queue anew what waits already is to try it at once.
  const fits = await records.apply(record, event)
  const applied =
    fits.status === 'not_from_here' && what === 'requeue'
      ? await records.apply(record, { type: 'retried', reason })
      : fits
  if (applied.status !== 'ok') {
    const text = `${what} does not fit stage ${record.stage} (${applied.status})`
    throw new ApiError(409, 'NOT_FROM_HERE', text)
  }
  await controls.audit(actor, `${what} ${record.id}`)
  return applied.record
}

function actRoutes(context: ApiContext): readonly Route[] {
  const { controls } = context
  const acts = (['retry', 'requeue', 'drop'] as const).map((what) =>
    route({
      method: 'post',
      path: `/v1/messages/:id/${what}`,
      scope: 'operate',
      summary: {
        retry: 'Start anew, with a clean slate',
        requeue: 'Prepare again',
        drop: 'Leave it',
      }[what],
      params: idParams,
      body: none,
      handle: async ({ params, actor: { name: actor } }) =>
        summary(await act(context, await found(context, params.id), { act: what, actor })),
    }),
  )
  const simulate = route({
    method: 'post',
    path: '/v1/messages/:id/simulate',
    scope: 'operate',
    summary: 'Would its delivery pass now, and if not why not',
    params: idParams,
    body: none,
    handle: async ({ params }) => await context.simulate(await found(context, params.id)),
  })
  const bump = route({
    method: 'post',
    path: '/v1/messages/:id/bump',
    scope: 'operate',
    summary: 'Raise the fee of the transaction that carries it',
    params: idParams,
    body: none,
    handle: async ({ params, actor }) => {
      const { submission, destination, id: messageId } = await found(context, params.id)
      if (submission === undefined)
        throw new ApiError(409, 'NOT_SENT', 'No transaction carries it.')
      const { lane, nonce } = submission
      await context.ask(`lane-${destination}-${lane}`, { act: 'bump', nonce })
      await controls.audit(actor.name, `bump ${messageId}`)
      return { asked: true, lane, nonce }
    },
  })
  const dlq = route({
    method: 'post',
    path: '/v1/dlq',
    scope: 'operate',
    summary: 'Retry or drop messages that were put aside: by id, or all that a matching list fits',
    body: z.strictObject({
      act: z.enum(['retry', 'drop']),
      ids: z.array(id).max(MANY_MAX).optional(),
      matching: matchingListSchema.optional(),
    }),
    handle: async ({ body, actor }) => {
      const page = await context.records.list('dead_letter', 0, MANY_MAX)
      const chosen = page.filter((record) => {
        const listed = body.matching !== undefined && isListed(body.matching, record)
        return listed || body.ids?.some((one) => one.toLowerCase() === record.id) === true
      })
      for (const record of chosen) await act(context, record, { act: body.act, actor: actor.name })
      return { acted: chosen.map((record) => record.id) }
    },
  })
  return [...acts, simulate, bump, dlq]
}

/** Routes by which the runbooks of Hyperlane's agents work here. */
function hyperlaneRoutes(context: ApiContext): readonly Route[] {
  const retryMatching = async (matching: MatchingList, actor: string) => {
    let matched = 0
    let evaluated = 0
    for (const stage of OPEN) {
      const page = await context.records.list(stage, 0, MANY_MAX)
      evaluated += page.length
      for (const record of page.filter((one) => isListed(matching, one))) {
        await act(context, record, { act: 'retry', actor })
        matched += 1
      }
    }
    return { evaluated, matched }
  }
  const retry = (path: string) =>
    route({
      method: 'post',
      path,
      scope: 'operate',
      summary: 'Retry every message that waits and that a matching list fits',
      body: matchingListSchema.min(1),
      handle: async ({ body, actor }) => await retryMatching(body, actor.name),
    })
  const operations = route({
    method: 'get',
    path: '/list_operations',
    scope: 'read',
    summary: 'Messages on their way to a domain',
    query: z.strictObject({ destination_domain: z.coerce.number().int().positive() }),
    handle: async ({ query: { destination_domain: destination } }) => {
      const pages = await Promise.all(
        [...OPEN, 'reserved', 'signed', 'broadcast'].map((stage) =>
          context.records.list(stage as Stage, 0, PAGE_MAX),
        ),
      )
      return pages
        .flat()
        .filter((record) => record.destination === destination)
        .map(summary)
    },
  })
  const igpRules = route({
    method: 'get',
    path: '/igp_rules',
    scope: 'read',
    summary: 'Rules of payment as they stand',
    handle: async () => context.controls.policy().payment,
  })
  return [retry('/v1/retry'), retry('/message_retry'), operations, igpRules]
}

async function found({ records }: ApiContext, text: string): Promise<MessageRecord> {
  const record = await records.load(text.toLowerCase() as Hash)
  if (record !== undefined) return record
  throw new ApiError(404, 'UNKNOWN_MESSAGE', `Message ${text} is not known here.`)
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
