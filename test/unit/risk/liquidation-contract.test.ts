import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  AUCTION_PARAMETERS,
  auctionShare,
  bidPriceUp,
  bufferMargin,
  largestFractionUp,
} from '../../../sdk/risk/liquidation.ts'
import { usd18 } from '../../../sdk/protocol/units.ts'

const solidity = readFileSync(
  new URL('../../contracts/hub/LiquidationMath.t.sol', import.meta.url),
  'utf8',
)

/** Rows of the contract's own test: equity, maintenance, seconds, buffer, price, fraction, bid. */
const rows = [...solidity.matchAll(/^ +_row\(([-\d, \n]+)\);/gmu)].map(([, row]) =>
  (row ?? '').split(',').map((text) => BigInt(text.trim())),
)

test('the contract is tested with at least six rows', () => {
  expect(rows.length).toBeGreaterThanOrEqual(6)
})

test.each(rows.map((row) => [row.join(', '), row] as const))(
  'a liquidation has the same figures in the SDK as in the contract: %s',
  (_, row) => {
    const [equity18, maintenance18, seconds, buffer18, price18, fraction18, bid18] = row as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ]
    const balances = { equity18: usd18(equity18), maintenance18: usd18(maintenance18) }
    const buffer = bufferMargin(balances, AUCTION_PARAMETERS.buffer18)
    const price = auctionShare(Number(seconds), AUCTION_PARAMETERS)
    const account = { buffer18: buffer, equity18: usd18(equity18), reserved18: usd18(0n) }
    const fraction = largestFractionUp(account, price)
    expect({ buffer, price, fraction, bid: bidPriceUp(account, fraction, price) }).toEqual({
      buffer: buffer18,
      price: price18,
      fraction: fraction18,
      bid: bid18,
    })
  },
)
