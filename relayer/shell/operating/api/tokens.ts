import { createHash, timingSafeEqual } from 'node:crypto'

/** What a caller may do: look, act on messages and lanes, change what everybody follows. */
export const SCOPES = ['read', 'operate', 'admin'] as const

/** What a caller may do. */
export type Scope = (typeof SCOPES)[number]

/** A token and its scope; a scope holds the ones before it. */
export type Token = { name: string; scope: Scope; secret: string }

/** Who makes a call. */
export type Actor = { name: string; scope: Scope | undefined }

/** Says who may do what. */
export type Tokens = {
  actorOf: (authorization: string | undefined) => Actor
  allows: (
    actor: Actor,
    scope: Scope,
  ) => { ok: true } | { ok: false; status: 401 | 403; hint: string }
}

/**
 * Makes the judge of callers.
 *
 * @param options.openRead - True to let callers without a token look.
 */
export function createTokens(options: { tokens: readonly Token[]; openRead: boolean }): Tokens {
  const known = options.tokens.map((token) => ({ ...token, digest: digest(token.secret) }))
  const nobody: Actor = { name: 'anyone', scope: options.openRead ? 'read' : undefined }
  return {
    actorOf: (authorization) => {
      const secret = /^Bearer (\S{1,200})$/.exec(authorization ?? '')?.[1]
      if (secret === undefined) return nobody
      const asked = digest(secret)
      const token = known.find((one) => timingSafeEqual(one.digest, asked))
      return token === undefined
        ? { name: 'unknown token', scope: undefined }
        : { name: token.name, scope: token.scope }
    },
    allows: ({ scope: has }, scope) => {
      if (has === undefined) return { ok: false, status: 401, hint: 'a bearer token is needed' }
      if (SCOPES.indexOf(has) >= SCOPES.indexOf(scope)) return { ok: true }
      return { ok: false, status: 403, hint: `needs scope ${scope}; the token has ${has}` }
    },
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
