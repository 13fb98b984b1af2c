import secp256k1 from 'secp256k1'
import { keccak256, keccak256Bytes } from '../../../sdk/protocol/keccak.ts'
import { bytesToHex } from '../../../sdk/protocol/bytes.ts'
import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { feePerGasMax, type AccessListItem, type Leg, type LegFee } from '../../core/entries/leg.ts'
import { decodeRlp, encodeRlp, RlpError, uintRlp, type RlpItem } from './rlp.ts'

/** What a chain asks of every transaction, whatever its state. */
export type TransactionRules = {
  chainId: number
  /** Wei per gas. */
  baseFeePerGas: bigint
  /** Highest gas limit of one transaction. */
  gasMax: bigint
}

type Parts = {
  chainId: bigint
  nonce: bigint
  fee: LegFee
  gas: bigint
  to: Uint8Array
  value: bigint
  input: Uint8Array
  accessList: readonly AccessListItem[]
  yParity: number
  r: Uint8Array
  s: Uint8Array
  /** What the signature is over. */
  digest: Uint8Array
}

const uint64Max = (1n << 64n) - 1n
const safeNonceMax = BigInt(Number.MAX_SAFE_INTEGER)
const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const gasBase = 21_000n
const gasPerZeroByte = 4n
const gasPerByte = 16n
const gasPerListedAddress = 2_400n
const gasPerListedKey = 1_900n
const gasPerCreation = 32_000n
const gasPerInitCodeWord = 2n
/** Bytes of init code that a creation may have (EIP-3860). */
const initCodeBytesMax = 49_152

/**
 * Decodes a signed transaction, recovers its sender and checks all that needs no state: what the
 * simulation takes on trust or fails as a whole on.
 *
 * @param rawTx - As it would go to `eth_sendRawTransaction`; anything may come.
 * @param leg - Its place in its bundle, for errors.
 * @throws {@link TandemError} INVALID_TRANSACTION, TOO_LARGE, UNSUPPORTED, WRONG_CHAIN, FEE_TOO_LOW,
 * GAS_LIMIT.
 */
export function decodeTransaction(rawTx: string, rules: TransactionRules, leg = 0): Leg {
  const bytes = bytesOf(rawTx, leg)
  const parts = partsOf(bytes, leg)
  checkChain(parts, rules, leg)
  const { nonce, fee, gas, to, value, input, accessList } = parts
  if (nonce > safeNonceMax) throw invalid(leg, `nonce ${nonce} is above ${safeNonceMax}`)
  checkFee(fee, rules, leg)
  const creates = to.length === 0
  if (!creates && to.length !== 20) {
    throw invalid(leg, `the recipient has ${to.length} bytes, not 20`)
  }
  if (creates && input.length > initCodeBytesMax) {
    throw invalid(leg, `its init code has ${input.length} bytes, more than ${initCodeBytesMax}`)
  }
  checkGas(gas, intrinsicGas({ input, accessList, creates }), rules, leg)
  return {
    chainId: rules.chainId,
    hash: keccak256(bytes),
    rawTx: bytesToHex(bytes),
    from: recoverSender(parts, leg),
    to: creates ? undefined : bytesToHex(to),
    input: bytesToHex(input),
    value,
    gas,
    nonce: Number(nonce),
    fee,
    accessList,
  }
}

/**
 * Gives the chain that a transaction is signed for.
 *
 * @throws {@link TandemError} INVALID_TRANSACTION when it is no signed transaction of one chain.
 */
export function chainIdOf(rawTx: string, leg = 0): number {
  const { chainId } = partsOf(bytesOf(rawTx, leg), leg)
  if (chainId > 0n && chainId <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(chainId)
  throw invalid(leg, `it is signed for chain ${chainId}`)
}

/** A transaction's signature as RPC shows it. */
export type TransactionSignature = { yParity: number; r: Hash; s: Hash }

/**
 * Reads the signature of a transaction that was decoded before.
 *
 * @throws {@link TandemError} INVALID_TRANSACTION when it was not.
 */
export function signatureOf(rawTx: string): TransactionSignature {
  const { yParity, r, s } = partsOf(bytesOf(rawTx, 0), 0)
  return { yParity, r: bytesToHex(r), s: bytesToHex(s) }
}

/**
 * Reads who sends a transaction to whom with what, whatever rules of a chain it breaks.
 *
 * @returns `to` is undefined for a contract creation.
 * @throws {@link TandemError} INVALID_TRANSACTION when it is no signed transaction.
 */
export function partiesOf(rawTx: string): { from: Address; to: Address | undefined; input: Hex } {
  const parts = partsOf(bytesOf(rawTx, 0), 0)
  const to = parts.to.length === 20 ? bytesToHex(parts.to) : undefined
  return { from: recoverSender(parts, 0), to, input: bytesToHex(parts.input) }
}

/** Gas that a transaction costs before its first instruction (EIP-2028, EIP-2930, EIP-3860). */
export function intrinsicGas({
  input,
  accessList,
  creates = false,
}: {
  input: Uint8Array
  accessList: readonly AccessListItem[]
  creates?: boolean
}): bigint {
  let zeros = 0
  for (const byte of input) if (byte === 0) zeros++
  let gas = gasBase + BigInt(zeros) * gasPerZeroByte + BigInt(input.length - zeros) * gasPerByte
  if (creates) gas += gasPerCreation + BigInt(Math.ceil(input.length / 32)) * gasPerInitCodeWord
  for (const { storageKeys } of accessList) {
    gas += gasPerListedAddress + BigInt(storageKeys.length) * gasPerListedKey
  }
  return gas
}

function bytesOf(rawTx: string, leg: number): Uint8Array {
  if (typeof rawTx !== 'string') throw invalid(leg, 'it is no text')
  const length = Math.ceil((rawTx.length - 2) / 2)
  if (length > LIMITS.legBytes) {
    throw new TandemError('TOO_LARGE', {
      what: `transaction of leg ${leg}`,
      actual: `${length} bytes`,
      limit: LIMITS.legBytes,
    })
  }
  if (!/^0x([0-9a-fA-F]{2})+$/.test(rawTx)) {
    throw invalid(leg, 'it is not 0x and pairs of hexadecimal digits')
  }
  return Buffer.from(rawTx.slice(2), 'hex')
}

function partsOf(bytes: Uint8Array, leg: number): Parts {
  const type = bytes[0] as number
  if (type === 3 || type === 4) {
    throw new TandemError('UNSUPPORTED', {
      what: `leg ${leg}, a transaction of type ${type}`,
      reason: type === 3 ? 'rollups carry no blobs' : 'the rules of the chain are those of Cancun',
    })
  }
  try {
    if (type >= 0xc0) return legacyParts(fieldsOf(decodeRlp(bytes), 9))
    if (type === 1) return accessListParts(fieldsOf(decodeRlp(bytes.subarray(1)), 11))
    if (type === 2) return dynamicFeeParts(fieldsOf(decodeRlp(bytes.subarray(1)), 12))
  } catch (error) {
    if (error instanceof RlpError) throw invalid(leg, error.message)
    throw error
  }
  throw invalid(leg, `its type ${type} is not known`)
}

function legacyParts(fields: readonly RlpItem[]): Parts {
  const v = uintOf(fields, 6, 64)
  if (v < 37n) throw new RlpError('it is not bound to a chain (EIP-155)')
  const chainId = (v - 35n) / 2n
  const gasPrice = uintOf(fields, 1, 256)
  const unsigned = [...fields.slice(0, 6), uintRlp(chainId), new Uint8Array(0), new Uint8Array(0)]
  return {
    chainId,
    nonce: uintOf(fields, 0, 64),
    fee: { type: 'legacy', gasPrice },
    gas: uintOf(fields, 2, 64),
    to: bytesAt(fields, 3),
    value: uintOf(fields, 4, 256),
    input: bytesAt(fields, 5),
    accessList: [],
    yParity: Number((v - 35n) % 2n),
    r: signatureWord(fields, 7),
    s: signatureWord(fields, 8),
    digest: keccak256Bytes(encodeRlp(unsigned)),
  }
}

function accessListParts(fields: readonly RlpItem[]): Parts {
  return {
    chainId: uintOf(fields, 0, 64),
    nonce: uintOf(fields, 1, 64),
    fee: { type: 'eip2930', gasPrice: uintOf(fields, 2, 256) },
    gas: uintOf(fields, 3, 64),
    to: bytesAt(fields, 4),
    value: uintOf(fields, 5, 256),
    input: bytesAt(fields, 6),
    accessList: accessListOf(fields[7] as RlpItem),
    yParity: parityOf(fields, 8),
    r: signatureWord(fields, 9),
    s: signatureWord(fields, 10),
    digest: typedDigest(1, fields.slice(0, 8)),
  }
}

function dynamicFeeParts(fields: readonly RlpItem[]): Parts {
  const maxPriorityFeePerGas = uintOf(fields, 2, 256)
  const maxFeePerGas = uintOf(fields, 3, 256)
  return {
    chainId: uintOf(fields, 0, 64),
    nonce: uintOf(fields, 1, 64),
    fee: { type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas },
    gas: uintOf(fields, 4, 64),
    to: bytesAt(fields, 5),
    value: uintOf(fields, 6, 256),
    input: bytesAt(fields, 7),
    accessList: accessListOf(fields[8] as RlpItem),
    yParity: parityOf(fields, 9),
    r: signatureWord(fields, 10),
    s: signatureWord(fields, 11),
    digest: typedDigest(2, fields.slice(0, 9)),
  }
}

function typedDigest(type: number, fields: readonly RlpItem[]): Uint8Array {
  const body = encodeRlp(fields)
  const whole = new Uint8Array(body.length + 1)
  whole[0] = type
  whole.set(body, 1)
  return keccak256Bytes(whole)
}

function fieldsOf(item: RlpItem, count: number): readonly RlpItem[] {
  if (item instanceof Uint8Array) throw new RlpError('it is no list of fields')
  if (item.length !== count) throw new RlpError(`it has ${item.length} fields, not ${count}`)
  return item
}

function bytesAt(fields: readonly RlpItem[], at: number): Uint8Array {
  const field = fields[at]
  if (field instanceof Uint8Array) return field
  throw new RlpError(`field ${at} is no byte string`)
}

function uintOf(fields: readonly RlpItem[], at: number, bits: number): bigint {
  const bytes = bytesAt(fields, at)
  if (bytes.length * 8 > bits) throw new RlpError(`field ${at} has more than ${bits} bits`)
  if (bytes[0] === 0) throw new RlpError(`field ${at} has a leading zero`)
  return bytes.length === 0 ? 0n : BigInt(bytesToHex(bytes))
}

function parityOf(fields: readonly RlpItem[], at: number): number {
  const parity = uintOf(fields, at, 8)
  if (parity > 1n) throw new RlpError(`its signature's parity is ${parity}, not 0 or 1`)
  return Number(parity)
}

function signatureWord(fields: readonly RlpItem[], at: number): Uint8Array {
  uintOf(fields, at, 256)
  const bytes = bytesAt(fields, at)
  const word = new Uint8Array(32)
  word.set(bytes, 32 - bytes.length)
  return word
}

function accessListOf(item: RlpItem): AccessListItem[] {
  if (item instanceof Uint8Array) throw new RlpError('its access list is no list')
  return item.map((line) => {
    const [address, keys] = fieldsOf(line, 2)
    if (!(address instanceof Uint8Array) || address.length !== 20) {
      throw new RlpError('an address in its access list has not 20 bytes')
    }
    if (keys === undefined || keys instanceof Uint8Array) {
      throw new RlpError('the keys in its access list are no list')
    }
    return { address: bytesToHex(address), storageKeys: keys.map(storageKeyOf) }
  })
}

function storageKeyOf(key: RlpItem): Hash {
  if (key instanceof Uint8Array && key.length === 32) return bytesToHex(key)
  throw new RlpError('a key in its access list has not 32 bytes')
}

function checkChain({ chainId }: Parts, rules: TransactionRules, leg: number): void {
  if (chainId === BigInt(rules.chainId)) return
  throw new TandemError('WRONG_CHAIN', { leg, signed: `${chainId}`, chainId: rules.chainId })
}

function checkFee(fee: LegFee, { baseFeePerGas }: TransactionRules, leg: number): void {
  const top = feePerGasMax(fee)
  if (fee.type === 'eip1559' && fee.maxPriorityFeePerGas > top) {
    throw invalid(leg, `its priority fee ${fee.maxPriorityFeePerGas} is above its top fee ${top}`)
  }
  if (top >= baseFeePerGas) return
  throw new TandemError('FEE_TOO_LOW', { leg, maxFeePerGas: `${top}`, baseFee: `${baseFeePerGas}` })
}

function checkGas(gas: bigint, minimum: bigint, { gasMax }: TransactionRules, leg: number): void {
  if (gas >= minimum && gas <= gasMax && gas <= uint64Max) return
  throw new TandemError('GAS_LIMIT', {
    leg,
    gas: `${gas}`,
    minimum: `${minimum}`,
    maximum: `${gasMax}`,
  })
}

function recoverSender({ r, s, yParity, digest }: Parts, leg: number): Address {
  const rNumber = BigInt(bytesToHex(r))
  const sNumber = BigInt(bytesToHex(s))
  if (rNumber === 0n || rNumber >= curveOrder || sNumber === 0n || sNumber > curveOrder / 2n) {
    throw invalid(leg, 'its signature is out of range (EIP-2)')
  }
  const signature = new Uint8Array(64)
  signature.set(r, 0)
  signature.set(s, 32)
  let publicKey: Uint8Array
  try {
    publicKey = secp256k1.ecdsaRecover(signature, yParity, digest, false)
  } catch {
    // The library has no more to say than that no key fits.
    throw invalid(leg, 'its signature belongs to no key')
  }
  return `0x${keccak256(publicKey.subarray(1)).slice(26)}`
}

function invalid(leg: number, reason: string): TandemError {
  return new TandemError('INVALID_TRANSACTION', { leg, reason })
}
