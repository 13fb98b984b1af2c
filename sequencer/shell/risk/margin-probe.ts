import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { Network } from '../../../sdk/protocol/network.ts'
import { toUsd18Down } from '../../../sdk/risk/fixed-point.ts'
import { InvalidPortfolioError } from '../../../sdk/risk/invalid-portfolio.ts'
import { marketOf, parametersOf, portfolioOf } from '../../../sdk/risk/ledger.ts'
import { computeMargin } from '../../../sdk/risk/margin.ts'
import { createSerial } from '../drivers/serial.ts'
import type { MarginProbe } from '../engine/probes.ts'
import { HubBooks, type HubMarks, type HubRead } from './hub-books.ts'
import { holdingsOf } from './portfolio.ts'

/**
 * Makes what computes initial margins from the hub's books in a simulated state: the portfolio of that
 * state on the marks in force, or on the state's own as long as there are none.
 */
export function createMarginProbe(
  network: Network,
  { nowMs, marks }: { nowMs: () => number; marks: () => HubMarks | undefined },
): MarginProbe | undefined {
  const hub = network.chains.find(({ kind }) => kind === 'hub')
  const creditBook = hub?.contracts['creditBook']
  const markFeeds = hub?.contracts['markFeeds']
  if (creditBook === undefined || markFeeds === undefined) return undefined
  const unread: HubRead = () => Promise.reject(new Error('nothing is read outside a probe'))
  let read = unread
  // One at a time: the books keep the marks that they read last.
  const serial = createSerial()
  const books = new HubBooks({
    read: (to, data) => read(to, data),
    creditBook: creditBook as Hex,
    markFeeds: markFeeds as Hex,
    underlyings: network.underlyings.map(({ id }) => id),
  })
  const parameters = parametersOf(network.assets)
  return (account, at) =>
    serial(async () => {
      read = at
      try {
        const held = await books.portfolio(account)
        const { updates } = marks() ?? (await books.marks())
        const nowS = Math.floor(nowMs() / 1000)
        const settled = await books.settlements(held.positions.keys(), nowS)
        const market = marketOf(updates, network.assets, nowS, settled)
        const portfolio = portfolioOf(holdingsOf(held), network.assets)
        return toUsd18Down(computeMargin(portfolio, market, parameters).initialUsd)
      } catch (cause) {
        if (!(cause instanceof InvalidPortfolioError)) throw cause
        throw new TandemError('MARGIN_UNAVAILABLE', { account, reason: cause.message }, cause)
      } finally {
        read = unread
      }
    })
}
