import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'

/** A block's header as Ethereum's JSON-RPC shows it. */
export type HeaderFields = {
  parentHash: Hash
  sha3Uncles: Hash
  miner: Address
  stateRoot: Hash
  transactionsRoot: Hash
  receiptsRoot: Hash
  logsBloom: Hex
  difficulty: Hex
  number: Hex
  gasLimit: Hex
  gasUsed: Hex
  timestamp: Hex
  extraData: Hex
  mixHash: Hash
  nonce: Hex
  baseFeePerGas: Hex
  withdrawalsRoot: Hash
  blobGasUsed: Hex
  excessBlobGas: Hex
  parentBeaconBlockRoot: Hash
}
