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
  const [receipt] = await sendCalls(client, [call])
  return receipt!
}

/**
 * Sends calls of one chain as plain transactions with nonces that follow one another: no other call of
 * this client comes between them. Waits until all are mined.
 *
 * @throws {@link TransactionFailedError} when one of them reverted.
 */
export async function sendCalls(
  client: TandemClient,
  calls: readonly [LegCall, ...LegCall[]],
): Promise<TransactionReceipt[]> {
  const { chainId } = calls[0]
  const chain = client.on(chainId)
  const hashes = await client.inTurn([chainId], async () => {
    const sent: Hash[] = []
    for (const { rawTx } of await signLegs(client, calls)) {
      sent.push(await chain.sendRawTransaction({ serializedTransaction: rawTx }))
    }
    return sent
  })
  const receipts: TransactionReceipt[] = []
  for (const hash of hashes) {
    const receipt = await chain.waitForTransactionReceipt({ hash, timeout: 30_000 })
    if (receipt.status !== 'success') throw new TransactionFailedError(hash, chainId)
    receipts.push(receipt)
  }
  return receipts
}
