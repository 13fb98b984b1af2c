import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { SealedBlock } from '../../core/entries/execution.ts'
import { decodeHeader } from '../history/header.ts'

/** Reads a block's place from its RLP header. */
export function sealedBlockOf(header: Hex): SealedBlock {
  const { number, timestamp } = decodeHeader(header)
  return { number: Number(number), hash: keccak256(header), timestampS: Number(timestamp), header }
}
