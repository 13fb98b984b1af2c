import { randomBytes } from 'node:crypto'
import { bytesToHex, concat, keccak256, stringToBytes } from 'viem'
import type { Address, Hash } from '../../sdk/protocol/hex.ts'
import type { Alloc } from './genesis/alloc.ts'
import { GenesisError } from './genesis/error.ts'

/** Chooses the identity of a new network: keccak256 of genesis hashes, configuration and a salt. */
export function newLogId(genesisHashes: readonly Hash[], configuration: unknown): Hash {
  const text = stringToBytes(JSON.stringify(configuration))
  return keccak256(concat([...genesisHashes, keccak256(text), bytesToHex(randomBytes(32))]))
}

/**
 * Gives the alloc with the network's identity in it: slot 0 of the `NetworkId` contract.
 *
 * @throws {@link GenesisError} when there is no such contract.
 */
export function withLogId(alloc: Alloc, networkId: Address, logId: Hash): Alloc {
  const address = networkId.toLowerCase() as Address
  const account = alloc[address]
  if (account?.code === undefined) {
    throw new GenesisError('The genesis has no contract that tells the identity.', [address])
  }
  const storage = { ...account.storage, [`0x${'0'.repeat(64)}`]: logId }
  return { ...alloc, [address]: { ...account, storage } }
}
