import { erc20Abi } from 'viem'
import {
  getBalanceSheet,
  type BalanceSheet,
} from '../../../sdk/client/actions/get-balance-sheet.ts'
import { waitForMessage } from '../../../sdk/client/actions/wait-for-message.ts'
import { withdraw } from '../../../sdk/client/actions/withdraw.ts'
import { tokenOf } from '../../../sdk/client/contracts.ts'
import type { TandemClient } from '../../../sdk/client/create-client.ts'
import { amount18 } from '../../../sdk/protocol/units.ts'
import { decimal, milliseconds } from '../figures.ts'
import type { Stage } from '../stage.ts'
import { waitUntil } from '../wait.ts'

const AMOUNT = amount18(5_000n * 10n ** 18n)

/** The trader withdraws on a chain where it never deposited; then the books are added up. */
export async function withdrawOnBeta(stage: Stage, trader: TandemClient) {
  const balance = () =>
    trader.on('beta').readContract({
      address: tokenOf(trader, 'beta', 1).address,
      abi: erc20Abi,
      functionName: 'balanceOf',
      args: [trader.account!.address],
    })
  const before = await balance()
  const started = performance.now()
  const { messageId } = await withdraw(trader, { asset: 1, amount18: AMOUNT, chain: 'beta' })
  await waitForMessage(trader, { messageId, destination: 'beta' })
  const paidMs = performance.now() - started
  const received = (await balance()) - before
  stage.log(`withdrew 5,000 USDC: debited on the hub and paid on beta in ${milliseconds(paidMs)}`)
  return { messageId, paidMs, received: received.toString() }
}

/** Reads the balance sheet when nothing moves any more, and requires that it adds up exactly. */
export async function addUpTheBooks(stage: Stage, client: TandemClient) {
  let sheets: BalanceSheet[] = []
  await waitUntil('a balance sheet that adds up', async () => {
    sheets = await getBalanceSheet(client)
    return sheets.every(({ difference }) => difference === 0n)
  })
  for (const sheet of sheets) showSheet(stage, sheet)
  return Object.fromEntries(sheets.map((sheet) => [sheet.symbol, asText(sheet)]))
}

function showSheet({ log }: Stage, sheet: BalanceSheet): void {
  const { symbol, custody } = sheet
  log(`${symbol}`)
  for (const [name, amount] of Object.entries(custody)) {
    log(`  custody on ${name.padEnd(8)} ${decimal(amount, 6).padStart(24)}`)
  }
  const owed = [
    ['claims of accounts', sheet.claims],
    ['liquidity providers', sheet.liquidity],
    ['insurance', sheet.insurance],
    ['fees', sheet.fees],
    ['deposits in flight', sheet.depositsInFlight],
    ['payments in flight', sheet.paymentsInFlight],
    ['difference', sheet.difference],
  ] as const
  for (const [name, amount] of owed) log(`  ${name.padEnd(19)} ${decimal(amount, 6).padStart(24)}`)
}

function asText(sheet: BalanceSheet) {
  const { custody, asset, symbol: _symbol, ...amounts } = sheet
  return {
    asset,
    custody: Object.fromEntries(
      Object.entries(custody).map(([name, value]) => [name, value.toString()]),
    ),
    ...Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, value.toString()])),
  }
}
