import { keccak256 } from '../../../sdk/protocol/keccak.ts'
import { hexToBytes, bytesToHex } from '../../../sdk/protocol/bytes.ts'
import type { Address, Hash, Hex } from '../../../sdk/protocol/hex.ts'
import type { BlockEnv, Difference, LegLog, SealedBlock } from '../../core/entries/execution.ts'
import type { BlockPlan } from './driver.ts'
import type { HeaderFields } from './header-fields.ts'
import { encodeRlp, uintRlp } from './rlp.ts'

/** A block's header as a node gives it, with the hashes of its transactions. */
export type NodeBlock = HeaderFields & { hash: Hash; transactions: readonly Hash[] }

/** A receipt as a node gives it: what is compared of it. */
export type NodeReceipt = {
  transactionHash: Hash
  status: Hex
  gasUsed: Hex
  logs: readonly { address: Address; topics: readonly Hash[]; data: Hex }[]
}

/** Encodes the header of a Cancun block: keccak256 of it is the block's hash. */
export function headerRlp(block: NodeBlock): Hex {
  const number = (value: Hex) => uintRlp(BigInt(value))
  return bytesToHex(
    encodeRlp([
      hexToBytes(block.parentHash),
      hexToBytes(block.sha3Uncles),
      hexToBytes(block.miner),
      hexToBytes(block.stateRoot),
      hexToBytes(block.transactionsRoot),
      hexToBytes(block.receiptsRoot),
      hexToBytes(block.logsBloom),
      number(block.difficulty),
      number(block.number),
      number(block.gasLimit),
      number(block.gasUsed),
      number(block.timestamp),
      hexToBytes(block.extraData),
      hexToBytes(block.mixHash),
      hexToBytes(block.nonce),
      number(block.baseFeePerGas),
      hexToBytes(block.withdrawalsRoot),
      number(block.blobGasUsed),
      number(block.excessBlobGas),
      hexToBytes(block.parentBeaconBlockRoot),
    ]),
  )
}

/** Gives a node's block as a place in the chain with its header. */
export function sealedBlock(block: NodeBlock): SealedBlock {
  return {
    number: Number(block.number),
    hash: block.hash,
    timestampS: Number(block.timestamp),
    header: headerRlp(block),
  }
}

/**
 * Gives the first difference between a mined block and its plan; undefined when there is none.
 *
 * @param receiptsRoot - The plan's, see {@link receiptsRootOf}.
 * @param readReceipts - Asks for the block's receipts: which leg differs, no root says.
 */
export async function compareBlock(
  { plan, receiptsRoot }: { plan: BlockPlan; receiptsRoot: Hash },
  block: NodeBlock,
  readReceipts: () => Promise<readonly NodeReceipt[]>,
): Promise<Difference | undefined> {
  const disorder = compareOrder(plan, block.transactions)
  if (disorder !== undefined) return disorder
  if (block.receiptsRoot !== receiptsRoot) {
    const [expected, actual] = [
      `receiptsRoot ${receiptsRoot}`,
      `receiptsRoot ${block.receiptsRoot}`,
    ]
    return compareReceipts(plan, await readReceipts()) ?? { what: 'header', expected, actual }
  }
  return headerDifference(plan.env, block)
}

function compareOrder(plan: BlockPlan, mined: readonly Hash[]): Difference | undefined {
  for (const [index, { hash }] of plan.legs.entries()) {
    const actual = mined[index]
    if (actual === undefined) break
    if (actual !== hash) return { index, what: 'order', expected: hash, actual }
  }
  if (mined.length === plan.legs.length) return undefined
  return { what: 'count', expected: String(plan.legs.length), actual: String(mined.length) }
}

function compareReceipts(
  plan: BlockPlan,
  receipts: readonly NodeReceipt[],
): Difference | undefined {
  for (const [index, expected] of plan.expected.entries()) {
    const receipt = receipts[index]
    if (receipt === undefined) {
      return { index, what: 'count', expected: 'a receipt', actual: 'none' }
    }
    const status = Number(receipt.status)
    if (status !== expected.status) {
      return { index, what: 'status', expected: String(expected.status), actual: String(status) }
    }
    const gasUsed = BigInt(receipt.gasUsed)
    if (gasUsed !== expected.gasUsed) {
      return {
        index,
        what: 'gasUsed',
        expected: String(expected.gasUsed),
        actual: String(gasUsed),
      }
    }
    const logs = logsText(receipt.logs)
    const promised = logsText(expected.logs)
    if (logs !== promised) return { index, what: 'logs', expected: promised, actual: logs }
  }
  return undefined
}

/** Gives the first difference between a block's header and its environment. */
export function headerDifference(env: BlockEnv, block: NodeBlock): Difference | undefined {
  const pairs: readonly [string, string, string][] = [
    ['number', String(env.number), String(Number(block.number))],
    ['parentHash', env.parentHash, block.parentHash],
    ['timestamp', String(env.timestampS), String(Number(block.timestamp))],
    ['prevRandao', env.prevRandao, block.mixHash],
    ['baseFeePerGas', String(env.baseFeePerGas), String(BigInt(block.baseFeePerGas))],
    ['gasLimit', String(env.gasLimit), String(BigInt(block.gasLimit))],
    ['coinbase', env.coinbase.toLowerCase(), block.miner.toLowerCase()],
    ['hash', keccak256(headerRlp(block)), block.hash],
  ]
  for (const [field, expected, actual] of pairs) {
    if (expected !== actual) {
      return { what: 'header', expected: `${field} ${expected}`, actual: `${field} ${actual}` }
    }
  }
  return undefined
}

/** One text per list of logs: equal texts are equal logs. */
function logsText(logs: readonly Pick<LegLog, 'address' | 'topics' | 'data'>[]): string {
  return logs
    .map(({ address, topics, data }) => `${address.toLowerCase()}[${topics.join()}]${data}`)
    .join(';')
}
