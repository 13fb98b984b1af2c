import { decodeFunctionData, encodeFunctionData, parseTransaction, serializeSignature } from 'viem'
import { receiptSlasherAbi } from '../../abi/receipt-slasher.ts'
import { slotContextAbi } from '../../abi/slot-context.ts'
import { BaseError } from '../../protocol/errors.ts'
import type { Address, Hash, Hex } from '../../protocol/hex.ts'
import { merkleTree } from '../../protocol/merkle.ts'
import { slotLeaf, type PostedSlot } from '../../protocol/posting.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import { contractOf } from '../contracts.ts'
import type { TandemClient } from '../create-client.ts'
import { sendCall } from './send-call.ts'

/** What was handed in is no proof against the sequencer: sending it would only cost coins. */
export class NoProofError extends BaseError {
  override readonly name = 'NoProofError'

  constructor(reason: string) {
    super('The two objects prove nothing against the sequencer.', {
      code: 'NO_PROOF',
      retryable: false,
      metaMessages: [reason],
    })
  }
}

/** A checkpoint that a validator of Hyperlane signed: which message stands at an index of its chain. */
export type SignedCheckpoint = {
  merkleTreeHook: Hash
  root: Hash
  index: number
  messageId: Hash
  /** 65 bytes r ‖ s ‖ v. */
  signatures: Hex
}

/**
 * Takes the sequencer's bond by two receipts: it signed two roots for one slot.
 *
 * @returns Hash of the transaction on `l1`.
 * @throws {@link NoProofError} when they do not contradict each other.
 */
export async function slashTwoReceipts(
  client: TandemClient,
  a: SignedReceipt,
  b: SignedReceipt,
): Promise<Hash> {
  const [first, second] = [receiptsOf(a), receiptsOf(b)]
  const same = first.slot === second.slot && first.view_ === second.view_
  if (!same) throw new NoProofError(`slots ${first.slot} and ${second.slot} are two`)
  if (first.receiptRoot === second.receiptRoot) throw new NoProofError('both have one root')
  const data = encodeFunctionData({
    abi: receiptSlasherAbi,
    functionName: 'slashTwoReceipts',
    args: [first, a.signature, second, b.signature],
  })
  return send(client, data)
}

/**
 * Takes the sequencer's bond by a receipt and the slot as it was posted to `l1`.
 *
 * @param posted.batch - Number of the batch in the ledger that holds the slot.
 * @param posted.slots - Every slot of that batch, in order.
 * @returns Hash of the transaction on `l1`.
 * @throws {@link NoProofError} when the batch does not hold the slot, or bears the receipt out.
 */
export async function slashAgainstPosted(
  client: TandemClient,
  receipt: SignedReceipt,
  posted: { batch: bigint; slots: readonly PostedSlot[] },
): Promise<Hash> {
  const receipts = receiptsOf(receipt)
  const place = posted.slots.findIndex(({ slot }) => slot === receipts.slot)
  const found = posted.slots[place]
  if (found === undefined) throw new NoProofError(`the batch has no slot ${receipts.slot}`)
  if (found.receiptRoot === receipts.receiptRoot) throw new NoProofError('the slot bears it out')
  const branch = merkleTree(posted.slots.map(slotLeaf)).branch(place)
  const data = encodeFunctionData({
    abi: receiptSlasherAbi,
    functionName: 'slashAgainstPosted',
    args: [
      ...([receipts, receipt.signature, posted.batch] as const),
      ...([found.slotHash, found.receiptRoot, branch] as const),
    ],
  })
  return send(client, data)
}

/**
 * Takes the sequencer's bond by a delivery that its system key signed, and a checkpoint with another
 * message at the same nonce.
 *
 * @param rawTx - The delivery's transaction as it stands in the log.
 * @returns Hash of the transaction on `l1`.
 * @throws {@link NoProofError} when the transaction is no delivery, or the checkpoint is not about its nonce.
 */
export async function slashForgedDelivery(
  client: TandemClient,
  rawTx: Hex,
  checkpoint: SignedCheckpoint,
): Promise<Hash> {
  const data = encodeFunctionData({
    abi: receiptSlasherAbi,
    functionName: 'slashForgedDelivery',
    args: [signedDelivery(rawTx), checkpoint],
  })
  return send(client, data)
}

function receiptsOf({ preconfirmation, receiptRoot }: SignedReceipt) {
  const { slot, view } = preconfirmation
  return { slot, view_: view, receiptRoot }
}

function signedDelivery(rawTx: Hex) {
  if (!rawTx.startsWith('0x02')) throw new NoProofError('a delivery is a transaction of type 2')
  const { r, s, yParity, to, data, gas, nonce, chainId, maxFeePerGas, maxPriorityFeePerGas } =
    parseTransaction(rawTx as `0x02${string}`)
  if (r === undefined || s === undefined || yParity === undefined) {
    throw new NoProofError('the transaction is not signed')
  }
  const call = decodeFunctionData({ abi: slotContextAbi, data: data ?? '0x' })
  if (call.functionName !== 'deliver') throw new NoProofError(`it calls ${call.functionName}`)
  const [mailbox, message] = call.args
  return {
    chainId: BigInt(chainId),
    nonce: BigInt(nonce ?? 0),
    maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n,
    maxFeePerGas: maxFeePerGas ?? 0n,
    gas: gas ?? 0n,
    slotContext: to as Address,
    mailbox,
    message,
    signature: serializeSignature({ r, s, v: BigInt(27 + yParity) }),
  }
}

async function send(client: TandemClient, data: Hex): Promise<Hash> {
  const settlement = client.network.chains.find(({ kind }) => kind === 'settlement')
  const chainId = settlement?.chainId ?? 0
  const to = contractOf(client, chainId, 'receiptSlasher')
  return (await sendCall(client, { chainId, to, data })).transactionHash
}
