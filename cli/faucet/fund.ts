import { encodeFunctionData, type Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { faucetTokenAbi } from '../../sdk/abi/faucet-token.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { tokenOf } from '../../sdk/client/contracts.ts'
import { sendCall } from '../../sdk/client/actions/send-call.ts'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import type { AssetId } from '../../sdk/protocol/ids.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { TokenAmount } from '../../sdk/protocol/units.ts'

/** What an address shall get on one chain of the local network. */
export type Funding = {
  chain: number | string
  address: Address
  /** Native coin in wei. */
  nativeWei?: bigint | undefined
  tokens?: readonly { asset: AssetId; amount: TokenAmount }[] | undefined
}

/** Native coin that pays for thousands of legs. */
export const NATIVE_WEI = 10n ** 19n

/** Opens the faucet of a local network. */
export function openFaucet(network: Network): (funding: Funding) => Promise<void> {
  const account = privateKeyToAccount(loadRoleKey('faucet', network).privateKey)
  const client = createTandemClient({ network, account })
  const queues = new Map<number, Promise<void>>()
  return (funding) => {
    const { chainId } = client.chain(funding.chain)
    const before = queues.get(chainId) ?? Promise.resolve()
    const after = before.then(() => fund(client, chainId, funding))
    queues.set(
      chainId,
      after.catch(() => undefined),
    )
    return after
  }
}

async function fund(client: TandemClient, chainId: number, funding: Funding): Promise<void> {
  const { address, nativeWei = NATIVE_WEI, tokens = [] } = funding
  if (nativeWei > 0n) {
    await sendCall(client, { chainId, to: address, data: '0x', valueWei: nativeWei, gas: 21_000n })
  }
  for (const { asset, amount } of tokens) {
    await sendCall(client, {
      chainId,
      to: tokenOf(client, chainId, asset).address,
      data: encodeFunctionData({
        abi: faucetTokenAbi,
        functionName: 'mint',
        args: [address, amount],
      }),
      gas: 100_000n,
    })
  }
}
