import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { ConfigError } from '../../sdk/process/config-error.ts'
import { readEnvironment } from '../../sdk/process/environment.ts'
import type { ProcessContext, Running } from '../../sdk/process/run.ts'
import { parseRoles, RELAYER_ROLES } from '../core/roles.ts'
import { SCOPES, type Scope, type Token } from './operating/api/tokens.ts'
import { loadConfig } from './config.ts'
import type { Faultpoint } from './faults.ts'
import { startRelayer } from './relayer.ts'
import { loadSigners } from './submitting/signers.ts'

/** Name of the file, in the state folder, that holds a local relayer's own token. */
const TOKEN_FILE = 'token'

/**
 * Reads the relayer's arguments and environment, and starts it.
 *
 * @throws ConfigError when one of them breaks a rule.
 */
export async function startRelayerProgram(
  { log, registry }: ProcessContext,
  faultpoint: Faultpoint,
): Promise<Running> {
  const { values } = parseArgs({
    options: {
      network: { type: 'string' },
      config: { type: 'string' },
      roles: { type: 'string', default: RELAYER_ROLES.join(',') },
      // What the relayer relies on is on chain and in Redis; here is the token of its own operator.
      state: { type: 'string' },
    },
  })
  const environment = readEnvironment({
    prefix: 'TANDEM_RELAYER_',
    shape: {
      TANDEM_RELAYER_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
      TANDEM_RELAYER_REDIS_URL: z.url().optional(),
      TANDEM_RELAYER_POLL_MS: z.coerce.number().int().min(10).max(60_000).optional(),
      TANDEM_RELAYER_TOKENS: z.string().max(4_096).optional(),
      TANDEM_RELAYER_SIGNER_MODULE: z.string().max(1_024).optional(),
      TANDEM_RELAYER_KEYSTORE: z.string().max(1_024).optional(),
      TANDEM_RELAYER_KEYSTORE_PASSWORD: z.string().max(1_024).optional(),
    },
  })
  const config = loadConfig(values.config, {
    networkFile: values.network,
    redisUrl: environment.TANDEM_RELAYER_REDIS_URL,
    port: environment.TANDEM_RELAYER_PORT,
    pollMs: environment.TANDEM_RELAYER_POLL_MS,
  })
  const parsed = parseRoles(values.roles)
  if (parsed.status !== 'ok') {
    throw new ConfigError(`There is no role ${parsed.word}.`, [
      `option: --roles ${values.roles}`,
      `hint: some of ${RELAYER_ROLES.join(',')}`,
    ])
  }
  const tokens = tokensOf(environment.TANDEM_RELAYER_TOKENS)
  if (tokens.length === 0 && config.network?.local === true && values.state !== undefined) {
    tokens.push(writeLocalToken(values.state))
  }
  const { roles } = parsed
  const signers = await loadSigners(config, {
    module: environment.TANDEM_RELAYER_SIGNER_MODULE,
    keystore: environment.TANDEM_RELAYER_KEYSTORE,
    password: environment.TANDEM_RELAYER_KEYSTORE_PASSWORD,
  })
  const relayer = await startRelayer({ config, roles, signers, tokens, registry, log, faultpoint })
  const chains = config.chains.map(({ name }) => name)
  log.info({ url: relayer.url, chains, roles: [...roles] }, 'relayer serves')
  return { stop: relayer.stop }
}

/** Reads `name:scope:secret` lines, parted by commas. */
function tokensOf(text: string | undefined): Token[] {
  if (text === undefined) return []
  return text.split(',').map((part, i) => {
    const [name = '', scope = '', secret = ''] = part.trim().split(':')
    const known = (SCOPES as readonly string[]).includes(scope)
    if (known && secret.length >= 16) return { name, scope: scope as Scope, secret }
    throw new ConfigError('TANDEM_RELAYER_TOKENS breaks a rule.', [
      `token ${i + 1}: name:scope:secret; scope is one of ${SCOPES.join(', ')}; secret of 16 characters or more`,
    ])
  })
}

/** On a local network the operator is who can read the state folder. */
function writeLocalToken(folder: string): Token {
  const secret = randomBytes(24).toString('hex')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, TOKEN_FILE), `${secret}\n`, { mode: 0o600 })
  return { name: 'local operator', scope: 'admin', secret }
}
