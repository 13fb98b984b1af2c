import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import { computeMargin } from '../margin.ts'
import type { RiskParameters } from '../parameters.ts'
import type { OptionPosition, Portfolio, RiskMarket } from '../portfolio.ts'
import { boundary } from './boundary.ts'
import { combine, isAllowed } from './simulate.ts'

/** An order whose largest size is asked for. */
export type OrderQuestion = {
  /** The series; its size is ignored. */
  series: Omit<OptionPosition, 'size'>
  side: 'buy' | 'sell'
  /** USD per contract that is paid or received; fees are the caller's to add. */
  priceUsd: number
  /** Contracts come in multiples of this, > 0. */
  lot: number
  /** No size above this is looked at, > 0. */
  sizeMax: number
}

const LOTS_MAX = 2 ** 40

/**
 * Finds the largest size of an order that initial margin allows.
 *
 * Sizes are tried by doubling and then by halving the gap: the size found is allowed and one lot more
 * is not, unless it is the largest that was asked about. Reducing orders are allowed while I < 0.
 *
 * @returns Contracts, ≥ 0, a multiple of the lot.
 * @throws InvalidPortfolioError when a figure of the question is out of range, or a position has no mark.
 */
export function maxOrderSize(
  portfolio: Portfolio,
  question: OrderQuestion,
  market: RiskMarket,
  parameters: RiskParameters,
): number {
  const { series, side, priceUsd, lot, sizeMax } = question
  checkQuestion(question)
  const before = computeMargin(portfolio, market, parameters)
  const sign = side === 'buy' ? 1 : -1
  const allowed = (lots: number): boolean => {
    const size = sign * lots * lot
    const change = { cashUsd: -size * priceUsd, options: [{ ...series, size }], collaterals: [] }
    const after = computeMargin(combine(portfolio, change), market, parameters)
    return isAllowed(before, after)
  }
  const lotsMax = Math.floor(sizeMax / lot)
  let good = 0
  let next = 1
  while (next < lotsMax && allowed(next)) {
    good = next
    next *= 2
  }
  const last = Math.min(next, lotsMax)
  if (last === 0) return 0
  if (allowed(last)) return last * lot
  const whole = (lots: number): boolean => allowed(Math.floor(lots))
  return Math.floor(boundary(whole, good, last)) * lot
}

function checkQuestion({ priceUsd, lot, sizeMax }: OrderQuestion): void {
  const rules: [string, boolean, number][] = [
    ['a price is a finite number, 0 or more', priceUsd >= 0 && priceUsd < Infinity, priceUsd],
    ['a lot is a finite number above 0', lot > 0 && lot < Infinity, lot],
    ['the largest size is above 0', sizeMax > 0 && sizeMax < Infinity, sizeMax],
    [`the largest size has at most ${LOTS_MAX} lots`, sizeMax / lot <= LOTS_MAX, sizeMax / lot],
  ]
  for (const [rule, holds, value] of rules) {
    if (!holds) throw new InvalidPortfolioError(rule, `${value}`)
  }
}
