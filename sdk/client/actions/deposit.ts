import { encodeFunctionData, erc20Abi, parseEventLogs } from 'viem'
import { mailboxAbi } from '../../abi/hyperlane.ts'
import { spokeVaultAbi } from '../../abi/spoke-vault.ts'
import type { Hash } from '../../protocol/hex.ts'
import { accountId, type AccountId, type AssetId } from '../../protocol/ids.ts'
import type { TokenAmount } from '../../protocol/units.ts'
import { contractOf, tokenOf } from '../contracts.ts'
import { signer, type TandemClient } from '../create-client.ts'
import { sendCalls } from './send-call.ts'

/** Tokens that are locked, and the message that will credit them. */
export type SentDeposit = { transactionHash: Hash; messageId: Hash; originChainId: number }

/**
 * Locks tokens in the vault of any chain; a relayed message turns them into a claim on the hub.
 *
 * @param options.chain - Chain id or name.
 * @param options.amount - In the token's own decimals, > 0.
 * @param options.account - Who gets the claim. Default: the client's main account.
 * @param options.liquidity - True to provide liquidity to the pool instead of a claim.
 * @throws TransactionFailedError when a token or the vault refuses.
 */
export async function deposit(
  client: TandemClient,
  options: {
    chain: number | string
    asset: AssetId
    amount: TokenAmount
    account?: AccountId | undefined
    liquidity?: boolean | undefined
  },
): Promise<SentDeposit> {
  const { asset, amount } = options
  const { chainId } = client.chain(options.chain)
  const vault = contractOf(client, chainId, 'spokeVault')
  const token = tokenOf(client, chainId, asset).address
  const account = options.account ?? accountId(signer(client).address)
  const [, receipt] = await sendCalls(client, [
    {
      chainId,
      to: token,
      data: encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [vault, amount] }),
      gas: 100_000n,
    },
    {
      chainId,
      to: vault,
      data: encodeFunctionData({
        abi: spokeVaultAbi,
        functionName: options.liquidity === true ? 'depositLiquidity' : 'deposit',
        args: [asset, amount, account],
      }),
      gas: 600_000n,
    },
  ])
  const [dispatched] = parseEventLogs({
    abi: mailboxAbi,
    eventName: 'DispatchId',
    logs: receipt!.logs,
  })
  return {
    transactionHash: receipt!.transactionHash,
    messageId: dispatched!.args.messageId,
    originChainId: chainId,
  }
}
