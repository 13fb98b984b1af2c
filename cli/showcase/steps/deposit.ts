import { deposit } from '../../../sdk/client/actions/deposit.ts'
import { getAccount } from '../../../sdk/client/actions/get-account.ts'
import { waitForMessage } from '../../../sdk/client/actions/wait-for-message.ts'
import { hubOf } from '../../../sdk/client/contracts.ts'
import type { TandemClient } from '../../../sdk/client/create-client.ts'
import type { AssetId } from '../../../sdk/protocol/ids.ts'
import { tokenAmount, type TokenAmount } from '../../../sdk/protocol/units.ts'
import { decimal, milliseconds } from '../figures.ts'
import { newTrader, type Stage } from '../stage.ts'

const USDC = tokenAmount(60_000n * 10n ** 6n)
const WETH = tokenAmount(20n * 10n ** 18n)

/** A trader deposits on two chains, one of them not sequenced; messages credit one account. */
export async function depositOnTwoChains(stage: Stage) {
  const trader = await newTrader(stage, [
    { chain: 'alpha', tokens: [{ asset: 1, amount: USDC }] },
    { chain: 'beta' },
    { chain: 'hub' },
    { chain: 'outland', tokens: [{ asset: 2, amount: WETH }] },
  ])
  const sent = await Promise.all([
    depositAndWait(trader, 'alpha', { asset: 1, amount: USDC }),
    depositAndWait(trader, 'outland', { asset: 2, amount: WETH }),
  ])
  const { account, claims } = await getAccount(trader)
  stage.log(`account ${account}`)
  stage.log(
    `  60,000 USDC locked on alpha and credited on the hub in ${milliseconds(sent[0].creditedMs)}`,
  )
  stage.log(
    `  20 WETH locked on outland and credited on the hub in ${milliseconds(sent[1].creditedMs)}`,
  )
  for (const { asset, amount18 } of claims) {
    const { symbol } = stage.network.assets.find(({ id }) => id === asset)!
    stage.log(`  claim: ${decimal(amount18)} ${symbol}`)
  }
  return { trader, report: { account, sent } }
}

async function depositAndWait(
  trader: TandemClient,
  chain: string,
  what: { asset: AssetId; amount: TokenAmount },
) {
  const started = performance.now()
  const { messageId } = await deposit(trader, { chain, ...what })
  await waitForMessage(trader, { messageId, destination: hubOf(trader).chainId })
  return { chain, messageId, creditedMs: performance.now() - started }
}
