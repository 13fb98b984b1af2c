import { deposit } from '../../../sdk/client/actions/deposit.ts'
import { getAccount } from '../../../sdk/client/actions/get-account.ts'
import { waitForMessage } from '../../../sdk/client/actions/wait-for-message.ts'
import { hubOf } from '../../../sdk/client/contracts.ts'
import { tokenAmount } from '../../../sdk/protocol/units.ts'
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
  const { chainId } = hubOf(trader)
  const sent = await Promise.all([
    deposit(trader, { chain: 'alpha', asset: 1, amount: USDC }),
    deposit(trader, { chain: 'outland', asset: 2, amount: WETH }),
  ])
  const waitedMs = await Promise.all(
    sent.map(({ messageId }) => waitForMessage(trader, { messageId, destination: chainId })),
  )
  const { account, claims } = await getAccount(trader)
  stage.log(`account ${account}`)
  stage.log(`  60,000 USDC locked on alpha, credited on the hub after ${milliseconds(waitedMs[0]!)}`)
  stage.log(`  20 WETH locked on outland, credited on the hub after ${milliseconds(waitedMs[1]!)}`)
  for (const { asset, amount18 } of claims) {
    const { symbol } = stage.network.assets.find(({ id }) => id === asset)!
    stage.log(`  claim: ${decimal(amount18)} ${symbol}`)
  }
  return { trader, report: reportOf(account, sent, waitedMs) }
}

function reportOf(
  account: string,
  sent: readonly { messageId: string }[],
  waitedMs: readonly number[],
) {
  return { account, messages: sent.map(({ messageId }) => messageId), creditedMs: waitedMs }
}
