import { encodeFunctionData, parseEventLogs } from 'viem'
import { mailboxAbi } from '../../abi/hyperlane.ts'
import { hubVaultAbi } from '../../abi/hub-vault.ts'
import type { Address } from '../../protocol/hex.ts'
import { accountId, type AccountId, type AssetId } from '../../protocol/ids.ts'
import type { Amount18 } from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { attestMargin } from './attest-margin.ts'
import type { SentDeposit } from './deposit.ts'
import { sendCall } from './send-call.ts'

/**
 * Debits a claim on the hub; a relayed message then pays tokens out on any chain.
 *
 * @param options.amount18 - In the ledger's 18 decimals; a whole number of the token's units there.
 * @param options.recipient - Default: the client's address.
 * @throws RefusedError MARGIN_UNAVAILABLE when the claim is too small.
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
  const [dispatched] = parseEventLogs({
    abi: mailboxAbi,
    eventName: 'DispatchId',
    logs: receipt.logs,
  })
  return {
    transactionHash: receipt.transactionHash,
    messageId: dispatched!.args.messageId,
    originChainId: hub.chainId,
  }
}
