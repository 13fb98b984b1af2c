import { encodeFunctionData, parseEventLogs } from 'viem'
import { mailboxAbi } from '../../abi/hyperlane.ts'
import { hubVaultAbi } from '../../abi/hub-vault.ts'
import { BaseError } from '../../protocol/errors.ts'
import type { Address, Hash } from '../../protocol/hex.ts'
import { accountId, type AccountId, type AssetId } from '../../protocol/ids.ts'
import type { Amount18 } from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { attestMargin } from './attest-margin.ts'
import type { SentDeposit } from './deposit.ts'
import { sendCall } from './send-call.ts'

/** A payment waits on the hub for validators' signatures under messages that came before it. */
export class PaymentHeldError extends BaseError {
  override readonly name = 'PaymentHeldError'

  constructor(place: bigint, timeoutMs: number) {
    super('The claim is debited and its payment still waits for validators.', {
      code: 'PAYMENT_HELD',
      retryable: true,
      metaMessages: [
        `place: ${place}; waited ${timeoutMs} ms`,
        'hint: HubVault.release(place) sends it, by anybody, once they signed',
      ],
    })
  }
}

const INTERVAL_MS = 100

/**
 * Debits a claim on the hub; a relayed message then pays tokens out on any chain. While the hub has
 * taken messages that validators did not sign yet, the payment leaves when they did: this waits for it.
 *
 * @param options.amount18 - In the ledger's 18 decimals; a whole number of the token's units there.
 * @param options.recipient - Default: the client's address.
 * @throws RefusedError MARGIN_UNAVAILABLE when the claim is too small.
 * @throws {@link PaymentHeldError} when a payment that is held did not leave in time.
 * @throws TransactionFailedError when initial margin would be short afterwards.
 */
export async function withdraw(
  client: TandemClient,
  options: {
    asset: AssetId
    amount18: Amount18
    chain: number | string
    account?: AccountId | undefined
    recipient?: Address | undefined
    /** Longest wait for a payment that is held, milliseconds. */
    timeoutMs?: number | undefined
  },
): Promise<SentDeposit> {
  const { asset, amount18 } = options
  const hub = hubOf(client)
  const owner = signer(client).address
  const account = options.account ?? accountId(owner)
  const { attestation, signature } = await attestMargin(client, {
    account,
    change: { claims: [{ asset, amount18: -amount18 }] },
  })
  const { chainId } = client.chain(options.chain)
  const receipt = await sendCall(client, {
    chainId: hub.chainId,
    to: contractOf(client, hub.chainId, 'hubVault'),
    data: encodeFunctionData({
      abi: hubVaultAbi,
      functionName: 'withdraw',
      args: [account, asset, amount18, chainId, options.recipient ?? owner, attestation, signature],
    }),
  })
  const { logs, blockNumber, transactionHash } = receipt
  const [held] = parseEventLogs({ abi: hubVaultAbi, eventName: 'PaymentHeld', logs })
  const [dispatched] = parseEventLogs({ abi: mailboxAbi, eventName: 'DispatchId', logs })
  const messageId =
    held === undefined
      ? dispatched!.args.messageId
      : await releasedPayment(client, {
          place: held.args.place,
          fromBlock: blockNumber,
          timeoutMs: options.timeoutMs ?? 30_000,
        })
  return { transactionHash, messageId, originChainId: hub.chainId }
}

/** Waits until a payment that was held has left, and gives its message. */
async function releasedPayment(
  client: TandemClient,
  held: { place: bigint; fromBlock: bigint; timeoutMs: number },
): Promise<Hash> {
  const { place, fromBlock, timeoutMs } = held
  const { chainId } = hubOf(client)
  const address = contractOf(client, chainId, 'hubVault')
  const started = performance.now()
  for (;;) {
    const [released] = await client.on(chainId).getContractEvents({
      address,
      abi: hubVaultAbi,
      eventName: 'PaymentReleased',
      args: { place },
      fromBlock,
      strict: true,
    })
    if (released !== undefined) return released.args.messageId
    if (performance.now() - started > timeoutMs) throw new PaymentHeldError(place, timeoutMs)
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
  }
}
