import { isAddressEqual, recoverAddress, type Hash, type Hex } from 'viem'
import { BaseError } from '../../protocol/errors.ts'
import { receiptDigest, refusalDigest, type ReceiptFault } from '../../protocol/receipt-hash.ts'
import type { SignedReceipt, SignedRefusal } from '../../protocol/receipt.ts'
import type { TandemClient } from '../create-client.ts'

/** A receipt or refusal does not prove what it says. */
export class ReceiptError extends BaseError {
  override readonly name = 'ReceiptError'
  readonly fault: ReceiptFault

  constructor(fault: ReceiptFault, subject: string) {
    super(`The ${subject} proves nothing: its ${fault} do not fit what the sequencer must sign.`, {
      code: 'BAD_RECEIPT',
      retryable: false,
    })
    this.fault = fault
  }
}

/**
 * Checks that a receipt's results lead to the root that the network's sequencer signed.
 *
 * @throws {@link ReceiptError} otherwise.
 */
export async function verifyReceipt(client: TandemClient, receipt: SignedReceipt): Promise<void> {
  const { logId } = client.network
  const checked = receiptDigest(receipt, logId)
  if (checked.fault !== undefined) throw new ReceiptError(checked.fault, 'receipt')
  if (!(await signedBySequencer(client, checked.digest, receipt.signature))) {
    throw new ReceiptError('signer', 'receipt')
  }
}

/**
 * Checks that the network's sequencer signed a refusal.
 *
 * @throws {@link ReceiptError} otherwise.
 */
export async function verifyRefusal(client: TandemClient, refusal: SignedRefusal): Promise<void> {
  const digest = refusalDigest(client.network.logId, refusal)
  if (await signedBySequencer(client, digest, refusal.signature)) return
  throw new ReceiptError('signer', 'refusal')
}

async function signedBySequencer(
  { network }: TandemClient,
  hash: Hash,
  signature: Hex,
): Promise<boolean> {
  return isAddressEqual(await recoverAddress({ hash, signature }), network.sequencer.address)
}
