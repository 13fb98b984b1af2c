/** The published development mnemonic: known to everybody, refused outside the local network. */
export const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk'

/**
 * Address index of each role under `m/44'/60'/0'/0/`: one key, one role.
 * A validator's index is {@link VALIDATOR_INDEX_BASE} plus its chain id.
 */
export const ROLE_INDEX = {
  sequencer: 0,
  system: 1,
  risk: 2,
  guardian: 3,
  upgrader: 4,
  liquidator: 5,
  faucet: 6,
  deployer: 7,
  'market-maker': 8,
  'liquidity-provider': 9,
  'relayer-transfer': 10,
  'relayer-critical': 11,
  poster: 12,
  'feed-0': 20,
  'feed-1': 21,
  'feed-2': 22,
} as const

/** Roles that have a key of their own, validators apart. */
export type NamedRole = keyof typeof ROLE_INDEX

/** Every role that signs something. */
export type Role = NamedRole | `validator-${number}`

/** First address index of the validators' development keys. */
export const VALIDATOR_INDEX_BASE = 1000

/** Gives the address index of a role's development key. */
export function developmentKeyIndex(role: Role): number {
  if (role in ROLE_INDEX) return ROLE_INDEX[role as NamedRole]
  return VALIDATOR_INDEX_BASE + Number(role.slice('validator-'.length))
}
