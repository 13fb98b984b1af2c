import { z } from 'zod'
import type { Hash } from '../../../../sdk/protocol/hex.ts'
import { policySchema } from '../../../core/policy.ts'
import type { LaneCommand } from '../../submitting/lane.ts'
import { partName, readParts } from '../parts.ts'
import type { ApiContext } from './context.ts'
import { ApiError, route, type Route } from './routes.ts'

const laneId = z.strictObject({ id: z.string().regex(/^lane-\d{1,10}-(critical|transfer)$/) })
const routeId = z.strictObject({ id: z.string().regex(/^\d{1,10}-\d{1,10}$/) })
const why = z.strictObject({ reason: z.string().min(1).max(200).default('no reason given') })

/** Routes about lanes, routes between chains and the policy. */
export function controlRoutes(context: ApiContext): readonly Route[] {
  return [...laneRoutes(context), ...pauseRoutes(context), ...policyRoutes(context)]
}

function laneRoutes(context: ApiContext): readonly Route[] {
  const { redis, keys, controls } = context
  const lanes = route({
    method: 'get',
    path: '/v1/lanes',
    scope: 'read',
    summary: 'Signer lanes: who owns them, nonces, what is under way, why they hold',
    handle: async () => {
      const parts = await readParts(redis, keys)
      const found = parts.flatMap((part) => {
        if (part.kind !== 'lane') return []
        const id = partName(part)
        return [{ id, ...part, paused: controls.pausedFor(id) ?? null }]
      })
      const ledgers = await Promise.all(
        found.map(({ chainId, signer }) =>
          redis.hgetall(keys.ledger(chainId, signer as `0x${string}`)),
        ),
      )
      return { lanes: found.map((lane, i) => ({ ...lane, ledger: ledgerOf(ledgers[i] ?? {}) })) }
    },
  })
  const asks = (['reconcile', 'fill-gap'] as const).map((what) =>
    route({
      method: 'post',
      path: `/v1/lanes/:id/${what}`,
      scope: 'operate',
      summary:
        what === 'reconcile'
          ? 'Compare the nonce ledger with the chain now'
          : 'Use a nonce that nobody uses, so that those above it can go',
      params: laneId,
      body: z.strictObject({ nonce: z.int().min(0).optional() }),
      handle: async ({ params, body, actor }) => {
        await context.ask(params.id, commandOf(what, body.nonce))
        await controls.audit(actor.name, `${what} ${params.id} ${body.nonce ?? ''}`.trim())
        return { asked: true }
      },
    }),
  )
  return [lanes, ...asks]
}

function commandOf(what: 'reconcile' | 'fill-gap', nonce: number | undefined): LaneCommand {
  if (what === 'reconcile') return { act: 'reconcile' }
  if (nonce === undefined) throw new ApiError(400, 'INVALID_REQUEST', 'nonce: required')
  return { act: 'fill_gap', nonce }
}

function ledgerOf(fields: Record<string, string>) {
  return Object.entries(fields).flatMap(([field, text]) => {
    if (!/^\d+$/.test(field)) return []
    const { nonce, state, purpose, messageIds, attempts } = JSON.parse(text) as {
      nonce: number
      state: string
      purpose: string
      messageIds: readonly string[]
      attempts: readonly { hash: string }[]
    }
    return [{ nonce, state, purpose, messageIds, hashes: attempts.map(({ hash }) => hash) }]
  })
}

function pauseRoutes({ controls }: ApiContext): readonly Route[] {
  const subjects = [
    { path: '/v1/lanes/:id', params: laneId, what: 'a signer lane' },
    { path: '/v1/routes/:id', params: routeId, what: 'a route, ORIGIN-DESTINATION' },
  ]
  return subjects.flatMap(({ path, params, what }) => [
    route({
      method: 'post',
      path: `${path}/pause`,
      scope: 'operate',
      summary: `Stop signing for ${what}, in every process`,
      params: params as z.ZodType<{ id: string }>,
      body: why,
      handle: async ({ params: { id }, body, actor }) => {
        await controls.pause(id, body.reason, actor.name)
        return { paused: id, reason: body.reason }
      },
    }),
    route({
      method: 'post',
      path: `${path}/resume`,
      scope: 'operate',
      summary: `Sign again for ${what}`,
      params: params as z.ZodType<{ id: string }>,
      body: z.strictObject({}),
      handle: async ({ params: { id }, actor }) => {
        await controls.resume(id, actor.name)
        return { resumed: id }
      },
    }),
  ])
}

function policyRoutes(context: ApiContext): readonly Route[] {
  const { controls } = context
  return [
    route({
      method: 'get',
      path: '/v1/policy',
      scope: 'read',
      summary: 'The policy that every process follows, what is paused, and who did what',
      handle: async () => ({
        version: controls.version(),
        policy: controls.policy(),
        paused: Object.fromEntries(controls.paused()),
        audit: await controls.audits(50),
      }),
    }),
    route({
      method: 'put',
      path: '/v1/policy',
      scope: 'admin',
      summary: 'Replace the policy; with dryRun=true only say what would change',
      query: z.strictObject({ dryRun: z.enum(['true', 'false']).default('false') }),
      body: policySchema,
      handle: async ({ query, body, actor }) =>
        await controls.put(body, { dryRun: query.dryRun === 'true', actor: actor.name }),
    }),
    route({
      method: 'post',
      path: '/v1/relay',
      scope: 'operate',
      summary: 'Look at a transaction now: a hint, the chain decides',
      body: z.strictObject({
        chain: z.string().min(1).max(64),
        txHash: z.string().regex(/^0x[0-9a-fA-F]{64}$/),
      }),
      handle: async ({ body }) => {
        const messages = await context.hint(body.chain, body.txHash.toLowerCase() as Hash)
        if (messages !== undefined) return { messages }
        const text = `${body.chain} has no transaction ${body.txHash} yet`
        throw new ApiError(404, 'UNKNOWN_TRANSACTION', text)
      },
    }),
  ]
}
