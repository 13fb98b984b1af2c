import { bytesToHex, hexToBytes } from '../../../sdk/protocol/bytes.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { HeaderFields } from '../drivers/header-fields.ts'
import { decodeRlp } from '../drivers/rlp.ts'

const names = [
  'parentHash',
  'sha3Uncles',
  'miner',
  'stateRoot',
  'transactionsRoot',
  'receiptsRoot',
  'logsBloom',
  'difficulty',
  'number',
  'gasLimit',
  'gasUsed',
  'timestamp',
  'extraData',
  'mixHash',
  'nonce',
  'baseFeePerGas',
  'withdrawalsRoot',
  'blobGasUsed',
  'excessBlobGas',
  'parentBeaconBlockRoot',
] as const satisfies readonly (keyof HeaderFields)[]

const quantities: ReadonlySet<string> = new Set([
  'difficulty',
  'number',
  'gasLimit',
  'gasUsed',
  'timestamp',
  'baseFeePerGas',
  'blobGasUsed',
  'excessBlobGas',
])

/** Reads the RLP header of a Cancun block, which a driver wrote. */
export function decodeHeader(header: Hex): HeaderFields {
  const fields = decodeRlp(hexToBytes(header))
  if (fields instanceof Uint8Array || fields.length !== names.length) {
    throw new HeaderError(names.length, fields.length)
  }
  const entries = names.map((name, i) => {
    const hex = bytesToHex(fields[i] as Uint8Array)
    return [name, quantities.has(name) ? quantityOf(hex) : hex] as const
  })
  return Object.fromEntries(entries) as HeaderFields
}

function quantityOf(hex: Hex): Hex {
  return hex === '0x' ? '0x0' : `0x${BigInt(hex).toString(16)}`
}

/** Bytes are no header of a Cancun block. */
export class HeaderError extends Error {
  override readonly name = 'HeaderError'

  constructor(expected: number, actual: number) {
    super(`A header has ${expected} fields, not ${actual}.`)
  }
}
