/** The validator of one chain: signs what the chain's own tree confirms, and shows it. */
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import manifest from '../../package.json' with { type: 'json' }
import { ConfigError } from '../../sdk/process/config-error.ts'
import { readEnvironment } from '../../sdk/process/environment.ts'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import {
  chainById,
  chainByName,
  loadNetwork,
  NETWORK_FILE_DEFAULT,
} from '../../sdk/process/network.ts'
import { runProcess, type ProcessContext, type Running } from '../../sdk/process/run.ts'
import { openChain } from '../shell/chains/chains.ts'
import { signerOf } from '../shell/submitting/signer.ts'
import { disagreementCounter } from './gauges.ts'
import { startValidator } from './start-validator.ts'

const { values: options } = parseArgs({
  options: {
    network: { type: 'string', default: NETWORK_FILE_DEFAULT },
    chain: { type: 'string' },
    state: { type: 'string' },
  },
})

await runProcess({ name: `validator-${options.chain ?? 'none'}`, start })

async function start({ log, registry }: ProcessContext): Promise<Running> {
  const { chain: wanted, network: networkFile } = options
  if (wanted === undefined) {
    throw new ConfigError('A validator needs the chain that it signs for.', [
      'option: --chain NAME or ID',
    ])
  }
  const environment = readEnvironment({
    prefix: 'TANDEM_VALIDATOR_',
    shape: {
      TANDEM_VALIDATOR_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
      TANDEM_VALIDATOR_OTHER_RPC_URLS: z.string().max(4_096).optional(),
      TANDEM_VALIDATOR_POLL_MS: z.coerce.number().int().min(10).max(60_000).default(100),
    },
  })
  const network = loadNetwork(networkFile)
  const described = /^\d+$/.test(wanted)
    ? chainById(network, Number(wanted))
    : chainByName(network, wanted)
  const { chainId } = described
  const known = network.validators.find((validator) => validator.chainId === chainId)
  const { TANDEM_VALIDATOR_PORT: port = known && Number(new URL(known.url).port) } = environment
  if (port === undefined) {
    throw new ConfigError(`The network names no validator of ${described.name}.`, [
      'set TANDEM_VALIDATOR_PORT',
    ])
  }
  const others = environment.TANDEM_VALIDATOR_OTHER_RPC_URLS?.split(',') ?? []
  const otherRpcUrls = others.map((url) => url.trim())
  const bad = otherRpcUrls.find((url) => !URL.canParse(url))
  if (bad !== undefined) {
    throw new ConfigError('TANDEM_VALIDATOR_OTHER_RPC_URLS breaks a rule.', [
      `URL ${otherRpcUrls.indexOf(bad) + 1}: is none; expected URLs, parted by commas`,
    ])
  }
  const disagreements = disagreementCounter(registry)
  const onDisagreement = (chain: string) => disagreements.inc({ chain })
  const validator = await startValidator({
    chain: openChain({ ...described, otherRpcUrls }, { onDisagreement }),
    signer: signerOf(loadRoleKey(`validator-${chainId}`, network).privateKey),
    folder: options.state ?? join(dirname(networkFile), 'validators', `${chainId}`),
    port,
    pollMs: environment.TANDEM_VALIDATOR_POLL_MS,
    version: manifest.version,
    registry,
    log,
  })
  return { stop: validator.stop }
}
