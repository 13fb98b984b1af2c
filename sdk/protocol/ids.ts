import { assert } from './assert.ts'
import type { Address, Hex } from './hex.ts'

/** An account of the pool: owner address (20 bytes) followed by the subaccount's index (uint96). */
export type AccountId = Hex

/** A token as the pool sees it, on every chain. Range: uint16, 0 is none. */
export type AssetId = number

/** BTC, ETH, …: what spot, forwards and surfaces refer to. Range: uint16, 0 is none. */
export type UnderlyingId = number

/** One deployment of one protocol on one rollup. Range: uint32, 0 is none. */
export type ProtocolId = number

/** What margin sees of an instrument; equal on every rollup. Packed by {@link packRiskKey}. */
export type RiskKey = bigint

/** What a position is held in: protocol id above the risk key. Packed by {@link packInstrumentId}. */
export type InstrumentId = bigint

/** Kinds of instrument in a risk key. */
export const KIND = { option: 1, perpetual: 2 } as const

/** Right of an option in a risk key. */
export const RIGHT = { call: 0, put: 1 } as const

/** The parts of a risk key. */
export type RiskKeyParts = {
  underlying: UnderlyingId
  kind: number
  /** Expiry in seconds since 1970. Range: uint40. */
  expiryS: number
  /** Strike in USD with 8 decimals. Range: uint64. */
  strike8: bigint
  /** {@link RIGHT}; 0 where it does not apply. */
  right: number
}

const KEY_BITS = 136n
const KEY_MASK = (1n << KEY_BITS) - 1n

/**
 * Packs a risk key: underlying u16 ‖ kind u8 ‖ expiry u40 ‖ strike u64 ‖ right u8, 136 bits.
 *
 * @throws InvariantError when a part is out of its range.
 */
export function packRiskKey(parts: RiskKeyParts): RiskKey {
  const { underlying, kind, expiryS, strike8, right } = parts
  assertUint(BigInt(underlying), 16n, 'underlying')
  assertUint(BigInt(kind), 8n, 'kind')
  assertUint(BigInt(expiryS), 40n, 'expiryS')
  assertUint(strike8, 64n, 'strike8')
  assertUint(BigInt(right), 8n, 'right')
  return (
    (BigInt(underlying) << 120n) |
    (BigInt(kind) << 112n) |
    (BigInt(expiryS) << 72n) |
    (strike8 << 8n) |
    BigInt(right)
  )
}

/** Takes a risk key apart: the inverse of {@link packRiskKey}. */
export function unpackRiskKey(key: RiskKey): RiskKeyParts {
  assertUint(key, KEY_BITS, 'riskKey')
  return {
    underlying: Number((key >> 120n) & 0xffffn),
    kind: Number((key >> 112n) & 0xffn),
    expiryS: Number((key >> 72n) & 0xffffffffffn),
    strike8: (key >> 8n) & 0xffffffffffffffffn,
    right: Number(key & 0xffn),
  }
}

/** Packs an instrument id: protocol u32 above the risk key, 168 bits. */
export function packInstrumentId(protocolId: ProtocolId, key: RiskKey): InstrumentId {
  assertUint(BigInt(protocolId), 32n, 'protocolId')
  assertUint(key, KEY_BITS, 'riskKey')
  return (BigInt(protocolId) << KEY_BITS) | key
}

/** Takes an instrument id apart: the inverse of {@link packInstrumentId}. */
export function unpackInstrumentId(id: InstrumentId): { protocolId: ProtocolId; key: RiskKey } {
  assertUint(id, KEY_BITS + 32n, 'instrumentId')
  return { protocolId: Number(id >> KEY_BITS), key: id & KEY_MASK }
}

/** Gives the account of an owner: subaccount 0 is the main one. */
export function accountId(owner: Address, subaccount = 0n): AccountId {
  assertUint(subaccount, 96n, 'subaccount')
  return `0x${owner.slice(2).toLowerCase()}${subaccount.toString(16).padStart(24, '0')}`
}

/** Gives the owner's address of an account, in lower case. */
export function ownerOf(account: AccountId): Address {
  assert(account.length === 66, 'an account id has 32 bytes')
  return `0x${account.slice(2, 42)}`
}

/** Says whether a text is an account id. */
export function isAccountId(text: string): text is AccountId {
  return /^0x[0-9a-f]{64}$/.test(text)
}

function assertUint(value: bigint, bits: bigint, name: string): void {
  assert(value >= 0n && value < 1n << bits, `${name} fits ${bits} bits`)
}
