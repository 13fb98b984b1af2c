import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { creditBookAbi } from '../../../sdk/abi/credit-book.ts'
import { liquidationAuctionAbi } from '../../../sdk/abi/liquidation-auction.ts'
import { attestMargin } from '../../../sdk/client/actions/attest-margin.ts'
import { deposit } from '../../../sdk/client/actions/deposit.ts'
import { getAccount, type PoolAccount } from '../../../sdk/client/actions/get-account.ts'
import { replayMarket, seekMarket } from '../../../sdk/client/actions/market.ts'
import { tradeJointly } from '../../../sdk/client/actions/trade-jointly.ts'
import { waitForMessage } from '../../../sdk/client/actions/wait-for-message.ts'
import { contractOf, hubOf } from '../../../sdk/client/contracts.ts'
import type { TandemClient } from '../../../sdk/client/create-client.ts'
import { accountId } from '../../../sdk/protocol/ids.ts'
import { tokenAmount } from '../../../sdk/protocol/units.ts'
import { decimal, dollars } from '../figures.ts'
import { contracts, newTrader, quote, RECORDED, type Stage } from '../stage.ts'
import { waitUntil } from '../wait.ts'

const STRIKE = 70_000
/** Cash that leaves the first account inside its call band at the bottom of the fall. */
const CALLED_CASH = tokenAmount(16_250n * 10n ** 6n)
/** Cash that leaves the second account below its maintenance line there. */
const SOLD_CASH = tokenAmount(13_700n * 10n ** 6n)
const TOP_UP = tokenAmount(5_000n * 10n ** 6n)
const SLIDE_MS = 8_000

/** The recorded fall: one account is called and tops up, another is sold in part to a bidder. */
export async function replayTheFall(stage: Stage, options: { liquidatorArgs: string[] }) {
  const [called, sold] = await Promise.all([
    shortPut(stage, CALLED_CASH + TOP_UP, CALLED_CASH),
    shortPut(stage, SOLD_CASH, SOLD_CASH),
  ])
  const liquidator = await startLiquidator(options.liquidatorArgs)
  try {
    stage.log(
      '4 to 5 February 2026, 12 hours a few seconds; marks between snapshots are interpolated',
    )
    await replayMarket(called, { toMs: RECORDED.slideEndMs, durationMs: SLIDE_MS })
    await showSlide(stage, called)
    await seekMarket(called, { toMs: RECORDED.bottomMs })
    const topUp = await topUpWhenCalled(stage, called)
    const sale = await watchSale(stage, sold)
    return { topUp, sale }
  } finally {
    await stopLiquidator(liquidator)
  }
}

async function shortPut(stage: Stage, funds: bigint, cash: bigint): Promise<TandemClient> {
  const trader = await newTrader(stage, [
    { chain: 'alpha', tokens: [{ asset: 1, amount: tokenAmount(funds) }] },
    { chain: 'hub' },
  ])
  const { chainId } = hubOf(trader)
  const { messageId } = await deposit(trader, {
    chain: 'alpha',
    asset: 1,
    amount: tokenAmount(cash),
  })
  await waitForMessage(trader, { messageId, destination: chainId })
  const size = contracts(1)
  const signed = await quote(stage, {
    chain: 'alpha',
    riskKey: stage.option('put', STRIKE),
    side: 'buy',
    size18: size,
  })
  await tradeJointly(trader, { fills: [{ signed, size18: size }] })
  return trader
}

async function showSlide(stage: Stage, client: TandemClient): Promise<void> {
  let state: PoolAccount['state'] = 'healthy'
  await waitUntil('the end of the slide', async () => {
    const response = await fetch(new URL('/v1/market', stage.network.publisher.url))
    const { recordedMs } = (await response.json()) as { recordedMs: number }
    state = (await getAccount(client)).state
    return recordedMs >= RECORDED.slideEndMs
  })
  const { attestation } = await attestMargin(client, {
    account: accountId(client.account!.address),
  })
  stage.log(
    `  after the slide: ${state}, maintenance margin left ${dollars(attestation.maintenance18)}`,
  )
}

async function topUpWhenCalled(stage: Stage, client: TandemClient) {
  await waitUntil('the margin call', async () => (await getAccount(client)).state === 'call')
  const account = accountId(client.account!.address)
  const { attestation: before } = await attestMargin(client, { account })
  stage.log(`margin call: maintenance margin left ${dollars(before.maintenance18)}`)
  await requireOwnStart(stage, client, 'MarginCalled')
  const { messageId } = await deposit(client, { chain: 'alpha', asset: 1, amount: TOP_UP })
  const destination = hubOf(client).chainId
  const creditedMs = await waitForMessage(client, { messageId, destination })
  await waitUntil('the end of the call', async () => (await getAccount(client)).state !== 'call')
  const { attestation: after } = await attestMargin(client, { account })
  stage.log(`  topped up 5,000 USDC; maintenance margin left ${dollars(after.maintenance18)}`)
  return {
    maintenanceBefore18: before.maintenance18.toString(),
    maintenanceAfter18: after.maintenance18.toString(),
    creditedMs,
  }
}

async function watchSale(stage: Stage, client: TandemClient) {
  const hub = hubOf(client)
  const chain = client.on(hub.chainId)
  const account = accountId(client.account!.address)
  const bids = () =>
    chain.getContractEvents({
      address: contractOf(client, hub.chainId, 'liquidationAuction'),
      abi: liquidationAuctionAbi,
      eventName: 'BidTaken',
      args: { account },
      fromBlock: 0n,
    })
  await waitUntil('a bid', async () => (await bids()).length > 0)
  await requireOwnStart(stage, client, 'AuctionStarted')
  await waitUntil('the end of the sale', async () => {
    const { state } = await getAccount(client)
    return state !== 'auction'
  })
  const [bid] = await bids()
  const { bidder, fraction18, bid18, fee18, price18 } = bid!.args
  const { claims, positions } = await getAccount(client)
  stage.log(`sold ${decimal(fraction18! * 100n)} % of the other account to ${bidder}`)
  stage.log(
    `  at ${decimal(price18! * 100n)} % of value: ${dollars(bid18!)}, insurance ${dollars(fee18!)}`,
  )
  stage.log(
    `  it keeps ${decimal(-positions[0]!.size18, 4)} puts short and ${dollars(claims[0]!.amount18)}`,
  )
  const size18 = await chain.readContract({
    address: contractOf(client, hub.chainId, 'creditBook'),
    abi: creditBookAbi,
    functionName: 'position',
    args: [bidder!, positions[0]!.instrument],
  })
  return {
    fraction18: fraction18!.toString(),
    bid18: bid18!.toString(),
    price18: price18!.toString(),
    bidderSize18: size18.toString(),
  }
}

/** Calls and sales begin by the sequencer itself: the liquidator only bids. */
async function requireOwnStart(
  { network }: Stage,
  client: TandemClient,
  eventName: 'MarginCalled' | 'AuctionStarted',
): Promise<void> {
  const hub = hubOf(client)
  const chain = client.on(hub.chainId)
  const [event] = await chain.getContractEvents({
    address: contractOf(client, hub.chainId, 'liquidationAuction'),
    abi: liquidationAuctionAbi,
    eventName,
    args: { account: accountId(client.account!.address) },
    fromBlock: 0n,
  })
  const { from } = await chain.getTransaction({ hash: event!.transactionHash })
  if (from.toLowerCase() === network.sequencer.system.toLowerCase()) return
  throw new Error(`${eventName} came from ${from}, not from the sequencer`)
}

async function startLiquidator(args: string[]): Promise<ChildProcess> {
  const program = new URL('../../main.ts', import.meta.url)
  const child = fork(program, ['liquidator', ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  await once(child, 'message')
  return child
}

async function stopLiquidator(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
