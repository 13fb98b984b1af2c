import type { TransactionReceipt } from 'viem'
import { BaseError } from '../../protocol/errors.ts'
import type { Hash } from '../../protocol/hex.ts'
import type { TandemClient } from '../create-client.ts'
import { signLegs, type LegCall } from '../legs.ts'

/** A transaction was mined and had no effect. */
export class TransactionFailedError extends BaseError {
  override readonly name = 'TransactionFailedError'
  readonly hash: Hash

  constructor(hash: Hash, chainId: number) {
    super(`Transaction ${hash} on chain ${chainId} reverted.`, {
      code: 'TRANSACTION_REVERTED',
      retryable: false,
    })
    this.hash = hash
  }
}

/**
 * Sends one call as a plain transaction on any chain, sequenced or not, and waits until it is mined.
 *
 * @throws {@link TransactionFailedError} when it reverted.
 */
export async function sendCall(client: TandemClient, call: LegCall): Promise<TransactionReceipt> {
  const chain = client.on(call.chainId)
  const hash = await client.inTurn([call.chainId], async () => {
    const [leg] = await signLegs(client, [call])
    return chain.sendRawTransaction({ serializedTransaction: leg!.rawTx })
  })
  const receipt = await chain.waitForTransactionReceipt({ hash, timeout: 30_000 })
  if (receipt.status !== 'success') throw new TransactionFailedError(hash, call.chainId)
  return receipt
}
