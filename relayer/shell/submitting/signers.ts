import { ConfigError } from '../../../sdk/process/config-error.ts'
import { loadRoleKey, roleKeyVariable } from '../../../sdk/process/keys.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { Role } from '../../../sdk/protocol/roles.ts'
import type { SignerLane } from '../../core/class.ts'
import type { RelayerConfig } from '../config.ts'
import { openKey } from './keystore.ts'
import { signerOfModule } from './signer-module.ts'
import { signerOf, type Signer } from './signer.ts'

/**
 * Loads the signers of both lanes: from the operator's own module (a key service) if one is named,
 * else from the environment, else from the keystore, else (on a local network) the development keys.
 *
 * @throws {@link ConfigError} when a lane has no key, or both have the same one.
 */
export async function loadSigners(
  config: RelayerConfig,
  from: { keystore: string | undefined; password: string | undefined; module?: string | undefined },
): Promise<Readonly<Record<SignerLane, Signer>>> {
  const signerFor = async (role: RelayerKeyRole) => {
    if (from.module !== undefined) return await signerOfModule(from.module, role)
    return signerOf(keyOf(role, config, from))
  }
  const critical = await signerFor('relayer-critical')
  const transfer = await signerFor('relayer-transfer')
  if (critical.address !== transfer.address) return { critical, transfer }
  throw new ConfigError('The lanes need a key each: one nonce sequence serves one lane.', [
    `both: ${critical.address}`,
  ])
}

type RelayerKeyRole = Extract<Role, 'relayer-critical' | 'relayer-transfer'>

function keyOf(
  role: RelayerKeyRole,
  { network }: RelayerConfig,
  { keystore, password }: { keystore: string | undefined; password: string | undefined },
): Hex {
  const variable = roleKeyVariable(role)
  const given = process.env[variable]
  if (given === undefined && keystore !== undefined) {
    if (password === undefined) {
      throw new ConfigError('The keystore needs its password.', [
        'set TANDEM_RELAYER_KEYSTORE_PASSWORD',
      ])
    }
    const opened = openKey(keystore, { role, password })
    if (opened !== undefined) return opened
  }
  if (network !== undefined) return loadRoleKey(role, network).privateKey
  if (given !== undefined && /^0x[0-9a-fA-F]{64}$/.test(given)) return given as Hex
  throw new ConfigError(`Role ${role} needs a key.`, [
    `set ${variable}, or TANDEM_RELAYER_KEYSTORE`,
  ])
}
