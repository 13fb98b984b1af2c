import { concatHex, numberToHex, stringToHex } from 'viem/utils'
import { keccak256 } from '../../sdk/protocol/keccak.ts'
import { wordOfAddress } from './message.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'

/** What a validator signs: the origin's tree at one leaf, and the message at that leaf. */
export type Checkpoint = {
  /** MerkleTreeHook of the origin. */
  hook: Address
  /** Domain of the origin. Range: uint32. */
  origin: number
  root: Hash
  /** Leaf index. Range: uint32. */
  index: number
  messageId: Hash
}

/** A 65-byte signature r ‖ s ‖ v, v being 27 or 28. */
export type Signature = Hex

/** Gives the separator of checkpoints: keccak256(domain ‖ hook ‖ "HYPERLANE"). */
export function checkpointDomainHash(origin: number, hook: Address): Hash {
  return keccak256(
    concatHex([numberToHex(origin, { size: 4 }), wordOfAddress(hook), stringToHex('HYPERLANE')]),
  )
}

/** Gives the digest that a validator signs for a checkpoint, EIP-191 included. */
export function checkpointDigest(checkpoint: Checkpoint): Hash {
  const { hook, origin, root, index, messageId } = checkpoint
  return eip191Digest(
    keccak256(
      concatHex([
        checkpointDomainHash(origin, hook),
        root,
        numberToHex(index, { size: 4 }),
        messageId,
      ]),
    ),
  )
}

/** Gives the digest that a validator signs to announce where its checkpoints are, EIP-191 included. */
export function announcementDigest(origin: number, mailbox: Address, location: string): Hash {
  const domainHash = keccak256(
    concatHex([
      numberToHex(origin, { size: 4 }),
      wordOfAddress(mailbox),
      stringToHex('HYPERLANE_ANNOUNCEMENT'),
    ]),
  )
  return eip191Digest(keccak256(concatHex([domainHash, stringToHex(location)])))
}

function eip191Digest(hash: Hash): Hash {
  return keccak256(concatHex([stringToHex('\u0019Ethereum Signed Message:\n32'), hash]))
}
