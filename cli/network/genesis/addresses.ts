import { getContractAddress } from 'viem'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Address } from '../../../sdk/protocol/hex.ts'
import { developmentKey } from '../../../sdk/process/keys.ts'

/** Who creates every contract of the genesis. */
export const DEPLOYER: Address = developmentKey('deployer').address

/**
 * First nonces of the deployer's sections. A section has the same length on every chain or leaves
 * the rest of its nonces unused, so that equal contracts have equal addresses everywhere.
 */
const SECTIONS = { hyperlane: 0, identity: 100, tokens: 200, routes: 300, pool: 400 } as const

/** A section of the deployer's nonces. */
export type Section = keyof typeof SECTIONS

/** Gives the deployer's nonce of one place in a section. */
export function nonceOf(section: Section, place: number): number {
  assert(place >= 0 && place < 100, 'a section has a hundred places')
  return SECTIONS[section] + place
}

/** Gives the address of the contract that the deployer creates at a place of a section. */
export function addressAt(section: Section, place: number): Address {
  return getContractAddress({ from: DEPLOYER, nonce: BigInt(nonceOf(section, place)) })
}
