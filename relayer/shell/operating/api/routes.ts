import express, { type Express, type Request, type Response } from 'express'
import { z } from 'zod'
import { BaseError } from '../../../../sdk/protocol/errors.ts'
import type { Actor, Scope, Tokens } from './tokens.ts'

/** One route of the operator API: what it takes, who may call it, and what it does. */
export type Route = {
  method: 'get' | 'post' | 'put'
  /** Path with parameters as `:name`. */
  path: string
  scope: Scope
  summary: string
  params?: z.ZodType
  query?: z.ZodType
  body?: z.ZodType
  handle: (call: Call) => Promise<unknown>
}

/** A call of a route, its parts already checked. */
export type Call = {
  params: Record<string, string>
  query: Record<string, unknown>
  body: unknown
  actor: Actor
  request: Request
  response: Response
}

/** Answered by a handler that has written the response by itself. */
export const STREAMED = Symbol('streamed')

const BODY_BYTES_MAX = 256 * 1024

/** Declares a route; the types of its parts follow from their schemas. */
export function route<P, Q, B>(given: {
  method: Route['method']
  path: string
  scope: Scope
  summary: string
  params?: z.ZodType<P>
  query?: z.ZodType<Q>
  body?: z.ZodType<B>
  handle: (
    call: Omit<Call, 'params' | 'query' | 'body'> & { params: P; query: Q; body: B },
  ) => Promise<unknown>
}): Route {
  return given as unknown as Route
}

/** Adds routes and their description, `/v1/openapi.json`, to a server. */
export function mountRoutes(app: Express, routes: readonly Route[], tokens: Tokens): void {
  app.use(express.json({ limit: BODY_BYTES_MAX }))
  for (const one of routes) {
    app[one.method](one.path, async (request, response) => {
      await answer(one, { request, response, tokens })
    })
  }
  const document = openApiOf(routes)
  app.get('/v1/openapi.json', (_request, response) => {
    response.json(document)
  })
}

async function answer(
  one: Route,
  { request, response, tokens }: { request: Request; response: Response; tokens: Tokens },
): Promise<void> {
  const actor = tokens.actorOf(request.get('authorization'))
  const allowed = tokens.allows(actor, one.scope)
  if (!allowed.ok) return refuse(response, allowed.status, 'FORBIDDEN', allowed.hint)
  const parts = { params: request.params, query: request.query, body: request.body ?? {} }
  const checked: Record<string, unknown> = {}
  for (const name of ['params', 'query', 'body'] as const) {
    const schema = one[name]
    if (schema === undefined) continue
    const parsed = schema.safeParse(parts[name])
    if (!parsed.success) {
      const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      return refuse(response, 400, 'INVALID_REQUEST', faults.join('; '))
    }
    checked[name] = parsed.data
  }
  try {
    const call = { params: {}, query: {}, body: {}, ...checked, actor, request, response } as Call
    const result = await one.handle(call)
    if (result !== STREAMED) response.json(result)
  } catch (error) {
    if (error instanceof ApiError) return refuse(response, error.status, error.code, error.message)
    if (error instanceof BaseError) {
      const status = error.code === 'CONFIG_INVALID' ? 400 : 503
      return refuse(response, status, error.code, error.message)
    }
    refuse(response, 503, 'UNAVAILABLE', (error as Error).message)
  }
}

function refuse(response: Response, status: number, name: string, message: string): void {
  response.status(status).json({ error: { name, message } })
}

/** Describes routes in the terms of OpenAPI 3.1. */
export function openApiOf(routes: readonly Route[]) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { method, path, scope, summary, params, query, body } of routes) {
    const place = path.replaceAll(/:(\w+)/g, '{$1}')
    const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')]
    const request = body && {
      requestBody: { content: { 'application/json': { schema: schemaOf(body) } } },
    }
    const answers = {
      200: { description: 'done' },
      400: { description: 'a part of the request breaks a rule' },
      401: { description: 'no token, or none of ours' },
      403: { description: `needs the scope ${scope}` },
    }
    const security = [{ token: [scope] }]
    const entry = { summary, parameters, ...request, responses: answers, security }
    paths[place] = { ...paths[place], [method]: entry }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Tandem relayer', version: '1' },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths,
  }
}

function schemaOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query') {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema) as {
    properties?: Record<string, unknown>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, one]) => {
    return { name, in: place, required: place === 'path' || required.includes(name), schema: one }
  })
}

/** A call cannot be answered as it was made. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}
