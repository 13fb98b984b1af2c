import secp256k1 from 'secp256k1'
import { keccak256, keccak256Bytes } from '../../sdk/protocol/keccak.ts'
import { bytesToHex, concatBytes, hexToBytes } from '../../sdk/protocol/bytes.ts'
import type { Address, Hash, Hex } from '../../sdk/protocol/hex.ts'
import { feePerGasMax, type Call, type SignedLeg } from '../core/entries/leg.ts'
import { encodeRlp, uintRlp, type RlpItem } from './drivers/rlp.ts'

/** Signs a 32-byte digest: r ‖ s ‖ v as 65 bytes, v 27 or 28. The same digest gives the same bytes. */
export type SignDigest = (digest: Hash) => Hex

/** Makes a signer from a private key; nonces follow RFC 6979. */
export function digestSigner(privateKey: Hex): SignDigest {
  const key = hexToBytes(privateKey)
  return (digest) => {
    const { signature, recid } = secp256k1.ecdsaSign(hexToBytes(digest), key)
    return bytesToHex(concatBytes([signature, Uint8Array.of(27 + recid)]))
  }
}

/**
 * Gives the address that signed a digest, in lower case; undefined when the signature is none.
 *
 * @param signature - 65 bytes, v 27 or 28, or 0 or 1 as some wallets write it.
 */
export function recoverSigner(digest: Hash, signature: Hex): Address | undefined {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return undefined
  const bytes = hexToBytes(signature)
  const recovery = (bytes[64] as number) % 27
  if (recovery !== 0 && recovery !== 1) return undefined
  try {
    const key = secp256k1.ecdsaRecover(bytes.subarray(0, 64), recovery, hexToBytes(digest), false)
    return `0x${keccak256(key.subarray(1)).slice(26)}`
  } catch {
    // Not every pair of numbers is a signature: then nobody signed.
    return undefined
  }
}

/** Makes the signer of the slots' system legs. */
export function systemSigner(privateKey: Hex): (chainId: number, call: Call) => SignedLeg {
  const key = hexToBytes(privateKey)
  return (chainId, call) => {
    const { fee, to = '0x' } = call
    const fields = [
      uintRlp(chainId),
      uintRlp(call.nonce),
      uintRlp(fee.type === 'eip1559' ? fee.maxPriorityFeePerGas : fee.gasPrice),
      uintRlp(feePerGasMax(fee)),
      uintRlp(call.gas),
      hexToBytes(to),
      uintRlp(call.value),
      hexToBytes(call.input),
      [],
    ]
    const { signature, recid } = secp256k1.ecdsaSign(keccak256Bytes(typed(fields)), key)
    const words = [signature.subarray(0, 32), signature.subarray(32)].map(withoutZeros)
    const bytes = typed([...fields, uintRlp(recid), ...words])
    return { hash: keccak256(bytes), rawTx: bytesToHex(bytes) }
  }
}

/** A transaction of type 2 (EIP-1559), with or without its signature. */
function typed(fields: RlpItem): Uint8Array {
  return concatBytes([Uint8Array.of(2), encodeRlp(fields)])
}

/** A number's bytes as RLP has them. */
function withoutZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? new Uint8Array(0) : bytes.subarray(first)
}
