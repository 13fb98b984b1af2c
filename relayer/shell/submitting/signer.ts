import secp256k1 from 'secp256k1'
import type { TransactionSerializableEIP1559 } from 'viem'
import { bytesToHex, hexToBytes, serializeTransaction } from 'viem/utils'
import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import type { Signature } from '../../core/checkpoint.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'

/** Something that signs for one address: a key in memory here, a key service elsewhere. */
export type Signer = {
  address: Address
  /** Signs a 32-byte digest; deterministic for a key in memory. */
  signDigest: (digest: Hash) => Promise<Signature>
  /** Signs a transaction and gives the bytes to send and its hash. */
  signTransaction: (
    transaction: TransactionSerializableEIP1559,
  ) => Promise<{ rawTx: Hex; hash: Hash }>
}

/** Makes a signer of a private key, with the native secp256k1. */
export function signerOf(privateKey: Hex): Signer {
  const secret = hexToBytes(privateKey)
  const sign = (digest: Hash) => {
    const { signature, recid } = secp256k1.ecdsaSign(hexToBytes(digest), secret)
    return {
      r: bytesToHex(signature.subarray(0, 32)),
      s: bytesToHex(signature.subarray(32)),
      yParity: recid,
    }
  }
  return {
    address: addressOfPublicKey(secp256k1.publicKeyCreate(secret, false)),
    signDigest: async (digest) => {
      const { r, s, yParity } = sign(digest)
      return `${r}${s.slice(2)}${(27 + yParity).toString(16)}`
    },
    signTransaction: async (transaction) => {
      const { r, s, yParity } = sign(keccak256(serializeTransaction(transaction)))
      const rawTx = serializeTransaction(transaction, { r, s, yParity })
      return { rawTx, hash: keccak256(rawTx) }
    },
  }
}

/**
 * Gives the address that signed a digest, in lower case.
 *
 * @returns undefined when the signature is none: wrong length, v outside 27 and 28, no such point.
 */
export function recoverSigner(digest: Hash, signature: Signature): Address | undefined {
  const bytes = hexToBytes(signature)
  const recovery = (bytes[64] ?? 0) - 27
  if (bytes.length !== 65 || (recovery !== 0 && recovery !== 1)) return undefined
  try {
    return addressOfPublicKey(
      secp256k1.ecdsaRecover(bytes.subarray(0, 64), recovery, hexToBytes(digest), false),
    )
  } catch {
    // The library throws on numbers that are no point of the curve: that is the answer.
    return undefined
  }
}

function addressOfPublicKey(uncompressed: Uint8Array): Address {
  return `0x${keccak256(uncompressed.subarray(1)).slice(-40)}`
}
