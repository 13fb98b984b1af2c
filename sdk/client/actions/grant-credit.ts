import { encodeFunctionData, type TransactionReceipt } from 'viem'
import { creditBookAbi } from '../../abi/credit-book.ts'
import { accountId, type AccountId } from '../../protocol/ids.ts'
import type { Usd18 } from '../../protocol/units.ts'
import { contractOf, hubOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { attestMargin } from './attest-margin.ts'
import { sendCall } from './send-call.ts'

/**
 * Leases risk capacity of an account to a rollup, where its protocols may then use it by themselves.
 *
 * @param options.amount18 - USD × 10^18.
 * @param options.expiryS - Seconds since 1970 after which the capacity serves to reduce only.
 * @throws TransactionFailedError when initial margin does not cover it.
 */
export async function grantCredit(
  client: TandemClient,
  options: {
    chain: number | string
    amount18: Usd18
    expiryS: number
    account?: AccountId | undefined
  },
): Promise<TransactionReceipt> {
  const hub = hubOf(client)
  const account = options.account ?? accountId(signer(client).address)
  const { attestation, signature } = await attestMargin(client, { account })
  return sendCall(client, {
    chainId: hub.chainId,
    to: contractOf(client, hub.chainId, 'creditBook'),
    data: encodeFunctionData({
      abi: creditBookAbi,
      functionName: 'grant',
      args: [
        account,
        client.chain(options.chain).chainId,
        options.amount18,
        options.expiryS,
        attestation,
        signature,
      ],
    }),
  })
}
