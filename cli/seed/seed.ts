import { privateKeyToAccount } from 'viem/accounts'
import { ledgerAbi } from '../../sdk/abi/ledger.ts'
import { deposit, type SentDeposit } from '../../sdk/client/actions/deposit.ts'
import { waitForMessage } from '../../sdk/client/actions/wait-for-message.ts'
import { contractOf, hubOf } from '../../sdk/client/contracts.ts'
import { createTandemClient, type TandemClient } from '../../sdk/client/create-client.ts'
import { loadRoleKey } from '../../sdk/process/keys.ts'
import type { Network } from '../../sdk/protocol/network.ts'
import type { NamedRole } from '../../sdk/protocol/roles.ts'
import { tokenAmount } from '../../sdk/protocol/units.ts'
import { openFaucet } from '../faucet/fund.ts'

/** Liquidity that the local network's provider puts into each vault, in whole tokens. */
const LIQUIDITY = [
  { asset: 1, whole: 1_000_000n },
  { asset: 2, whole: 500n },
] as const

/** Cash that the local actors work with, in whole dollars. */
const ACTOR_CASH_USD = { 'market-maker': 20_000_000n, liquidator: 5_000_000n } as const

const DELIVERY_TIMEOUT_MS = 60_000

/**
 * Gives a new local network what an open one has: liquidity in every vault, and cash for a market
 * maker and a liquidator. Does nothing where it was done.
 *
 * @returns False when the network had it already.
 */
export async function seedNetwork(network: Network): Promise<boolean> {
  const reader = createTandemClient({ network })
  const hub = hubOf(reader)
  const liquidity = await reader.on(hub.chainId).readContract({
    address: contractOf(reader, hub.chainId, 'ledger'),
    abi: ledgerAbi,
    functionName: 'totalLiquidity',
    args: [1],
  })
  if (liquidity > 0n) return false
  const faucet = openFaucet(network)
  const vaults = network.chains.filter(({ contracts }) => contracts['spokeVault'] !== undefined)
  const provider = actor(network, 'liquidity-provider')
  const provided = vaults.map(async ({ chainId }) => {
    const amounts = LIQUIDITY.map(({ asset, whole }) => ({
      asset,
      amount: wholeTokens(network, chainId, asset, whole),
    }))
    await faucet({ chain: chainId, address: provider.account!.address, tokens: amounts })
    const sent: SentDeposit[] = []
    for (const { asset, amount } of amounts) {
      sent.push(await deposit(provider, { chain: chainId, asset, amount, liquidity: true }))
    }
    return sent
  })
  const cash = (Object.keys(ACTOR_CASH_USD) as (keyof typeof ACTOR_CASH_USD)[]).map(
    async (role) => {
      const client = actor(network, role)
      const amount = wholeTokens(network, hub.chainId, 1, ACTOR_CASH_USD[role])
      const { address } = client.account!
      await faucet({ chain: hub.chainId, address, tokens: [{ asset: 1, amount }] })
      return [await deposit(client, { chain: hub.chainId, asset: 1, amount })]
    },
  )
  const sent = (await Promise.all([...provided, ...cash])).flat()
  await Promise.all(
    sent.map(({ messageId }) =>
      waitForMessage(reader, {
        messageId,
        destination: hub.chainId,
        timeoutMs: DELIVERY_TIMEOUT_MS,
      }),
    ),
  )
  return true
}

/** Makes a client with a role's key. */
export function actor(network: Network, role: NamedRole): TandemClient {
  const account = privateKeyToAccount(loadRoleKey(role, network).privateKey)
  return createTandemClient({ network, account })
}

function wholeTokens(network: Network, chainId: number, asset: number, whole: bigint) {
  const { decimals } = network.assets.find(({ id }) => id === asset)!.tokens[`${chainId}`]!
  return tokenAmount(whole * 10n ** BigInt(decimals))
}
