import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readEnvironment } from '../../sdk/process/environment.ts'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import { loadNetwork, NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import type { ProcessContext, Running } from '../../sdk/process/run.ts'
import type { Faultpoint } from './faults.ts'
import { startRelayer } from './relayer.ts'
import { signerOf } from './signer.ts'

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
      network: { type: 'string', default: NETWORK_FILE_DEFAULT },
      // Everything that the relayer keeps is on chain and in Redis; the folder is for its supervisor.
      state: { type: 'string' },
    },
  })
  const environment = readEnvironment({
    prefix: 'TANDEM_RELAYER_',
    shape: {
      TANDEM_RELAYER_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
      TANDEM_RELAYER_REDIS_URL: z.url().optional(),
      TANDEM_RELAYER_POLL_MS: z.coerce.number().int().min(10).max(60_000).default(100),
    },
  })
  const network = loadNetwork(values.network)
  const relayer = await startRelayer({
    network,
    signers: {
      critical: signerOf(loadRoleKey('relayer-critical', network).privateKey),
      transfer: signerOf(loadRoleKey('relayer-transfer', network).privateKey),
    },
    redisUrl: environment.TANDEM_RELAYER_REDIS_URL ?? network.redis.url,
    port: environment.TANDEM_RELAYER_PORT ?? Number(new URL(network.relayer.url).port),
    pollMs: environment.TANDEM_RELAYER_POLL_MS,
    registry,
    log,
    faultpoint,
  })
  log.info({ url: relayer.url, chains: network.chains.map(({ name }) => name) }, 'relayer serves')
  return { stop: relayer.stop }
}
