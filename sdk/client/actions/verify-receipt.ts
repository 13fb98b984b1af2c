import { recoverAddress } from 'viem'
import { BaseError } from '../../protocol/errors.ts'
import { checkReceipt, checkRefusal, type ReceiptFault } from '../../protocol/receipt-hash.ts'
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
  const fault = await checkReceipt(receipt, signerOf(client), (hash, signature) =>
    recoverAddress({ hash, signature }),
  )
  if (fault) throw new ReceiptError(fault, 'receipt')
}

/**
 * Checks that the network's sequencer signed a refusal.
 *
 * @throws {@link ReceiptError} otherwise.
 */
export async function verifyRefusal(client: TandemClient, refusal: SignedRefusal): Promise<void> {
  const valid = await checkRefusal(refusal, signerOf(client), (hash, signature) =>
    recoverAddress({ hash, signature }),
  )
  if (!valid) throw new ReceiptError('signer', 'refusal')
}

function signerOf(client: TandemClient) {
  const { logId, sequencer } = client.network
  return { logId, sequencer: sequencer.address }
}
