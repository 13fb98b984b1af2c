import { pbkdf2Sync } from 'node:crypto'
import { bytesToHex, isAddressEqual } from 'viem/utils'
import { HDKey, hdKeyToAccount, privateKeyToAccount } from 'viem/accounts'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment.ts'
import type { Address, Hex } from '../protocol/hex.ts'
import type { Network } from '../protocol/network.ts'
import { DEVELOPMENT_MNEMONIC, developmentKeyIndex, type Role } from '../protocol/roles.ts'

/** A role's key and where it came from. */
export type RoleKey = {
  role: Role
  privateKey: Hex
  address: Address
  source: 'environment' | 'development'
}

/** Gives the environment variable that holds a role's key: `feed-0` is in `TANDEM_KEY_FEED_0`. */
export function roleKeyVariable(role: Role): string {
  return `TANDEM_KEY_${role.toUpperCase().replaceAll('-', '_')}`
}

/** Parent of all development keys: derived once, since stretching the mnemonic is slow by design. */
let masterKey: HDKey | undefined

/** Seed of the published mnemonic, as BIP-39 stretches it; the platform does it 30 times faster. */
function developmentSeed(): Uint8Array {
  return pbkdf2Sync(DEVELOPMENT_MNEMONIC, 'mnemonic', 2048, 64, 'sha512')
}

/** Gives a role's development key: published, so good for the local network alone. */
export function developmentKey(role: Role): RoleKey {
  masterKey ??= HDKey.fromMasterSeed(developmentSeed())
  const account = hdKeyToAccount(masterKey, { addressIndex: developmentKeyIndex(role) })
  const secret = account.getHdKey().privateKey
  if (secret === null) throw new ConfigError(`The development key of ${role} cannot be derived.`)
  return { role, privateKey: bytesToHex(secret), address: account.address, source: 'development' }
}

/**
 * Loads a role's key: from the environment, else the development key where the network is local.
 *
 * @throws {@link ConfigError} when the variable is no private key; when there is none and the
 * network is not this machine's own; when the network names another address for the role.
 */
export function loadRoleKey(
  role: Role,
  network: Network,
  environment: Environment = process.env,
): RoleKey {
  const key = environmentKey(role, environment) ?? localKey(role, network)
  const expected = expectedAddress(role, network)
  if (expected !== undefined && !isAddressEqual(expected, key.address)) {
    throw new ConfigError(`The key of ${role} is not the one that the network names.`, [
      `address: ${key.address}; expected: ${expected}`,
    ])
  }
  return key
}

function environmentKey(role: Role, environment: Environment): RoleKey | undefined {
  const variable = roleKeyVariable(role)
  const value = environment[variable]
  if (value === undefined || value === '') return undefined
  if (!/^0x[0-9a-fA-F]{64}$/.test(value)) {
    throw new ConfigError(`${variable} is not a private key.`, [
      'rule: 0x and 64 hexadecimal digits',
    ])
  }
  try {
    const { address } = privateKeyToAccount(value as Hex)
    return { role, privateKey: value.toLowerCase() as Hex, address, source: 'environment' }
  } catch {
    // The cause is dropped on purpose: it may carry the key.
    throw new ConfigError(`${variable} is not a private key.`, [
      'rule: within the order of secp256k1',
    ])
  }
}

function localKey(role: Role, network: Network): RoleKey {
  const foreign = network.chains.filter(({ rpcUrl }) => !isLoopback(rpcUrl))
  if (network.local && foreign.length === 0) return developmentKey(role)
  const why = network.local
    ? `chains elsewhere: ${foreign.map(({ name }) => name).join(', ')}`
    : 'the network is not one that this machine started'
  throw new ConfigError(`Role ${role} needs a key in ${roleKeyVariable(role)}.`, [
    `development keys are refused: ${why}`,
  ])
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** Address that the network's description ties to the role; undefined where it ties none. */
function expectedAddress(role: Role, network: Network): Address | undefined {
  if (role === 'sequencer') return network.sequencer.address
  if (role === 'system') return network.sequencer.system
  if (role === 'risk') return network.sequencer.risk
  if (role.startsWith('feed-')) return network.publisher.feeds[Number(role.slice('feed-'.length))]
  if (!role.startsWith('validator-')) return undefined
  const chainId = Number(role.slice('validator-'.length))
  return network.validators.find((validator) => validator.chainId === chainId)?.address
}
