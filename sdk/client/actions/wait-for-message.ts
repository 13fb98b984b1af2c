import { mailboxAbi } from '../../abi/hyperlane.ts'
import { BaseError } from '../../protocol/errors.ts'
import type { Hash } from '../../protocol/hex.ts'
import { contractOf } from '../contracts.ts'
import type { TandemClient } from '../create-client.ts'

const INTERVAL_MS = 100

/** A message was not delivered in the time given. */
export class MessageTimeoutError extends BaseError {
  override readonly name = 'MessageTimeoutError'

  constructor(messageId: Hash, chain: string, timeoutMs: number) {
    super(`Message ${messageId} did not reach ${chain} within ${timeoutMs} ms.`, {
      code: 'MESSAGE_TIMEOUT',
      retryable: true,
    })
  }
}

/**
 * Waits until a message was delivered on its destination.
 *
 * @returns Milliseconds waited.
 * @throws {@link MessageTimeoutError}
 */
export async function waitForMessage(
  client: TandemClient,
  options: { messageId: Hash; destination: number | string; timeoutMs?: number | undefined },
): Promise<number> {
  const { messageId, destination, timeoutMs = 30_000 } = options
  const address = contractOf(client, destination, 'mailbox')
  const started = performance.now()
  for (;;) {
    const delivered = await client.on(destination).readContract({
      address,
      abi: mailboxAbi,
      functionName: 'delivered',
      args: [messageId],
    })
    const waitedMs = performance.now() - started
    if (delivered) return waitedMs
    if (waitedMs > timeoutMs) {
      throw new MessageTimeoutError(messageId, client.chain(destination).name, timeoutMs)
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
  }
}
