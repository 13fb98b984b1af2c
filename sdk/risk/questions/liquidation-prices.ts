import type { UnderlyingId } from '../../protocol/ids.ts'
import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import { computeMargin } from '../margin.ts'
import type { RiskParameters } from '../parameters.ts'
import type { Portfolio, RiskMarket } from '../portfolio.ts'
import { boundary } from './boundary.ts'

/** Where spot must go for an account to be liquidated. */
export type LiquidationPrices = {
  underlying: UnderlyingId
  spotUsd: number
  /** Highest spot below the present at which M < 0; absent: none down to a hundredth of it. */
  belowUsd: number | undefined
  /** Lowest spot above the present at which M < 0; absent: none up to ten times of it. */
  aboveUsd: number | undefined
}

const FACTOR_MIN = 0.01
const FACTOR_MAX = 10
/** Spot is moved by a hundredth at a time: a dip of M that is narrower is not found. */
const STEP = 1.01

/**
 * Finds the spot prices at which an account's maintenance margin is used up, down and up from here.
 *
 * Forwards, the perpetual and collateral of the underlying's own asset move with spot by the same
 * factor, surfaces keep their shape in log-moneyness, volatilities that positions bring stay, and
 * time stands still.
 *
 * @returns Per underlying that the market has; both prices are the present one where M < 0 already.
 * @throws InvalidPortfolioError when a position has no mark, or a figure is no number.
 */
export function liquidationPrices(
  portfolio: Portfolio,
  market: RiskMarket,
  parameters: RiskParameters,
): LiquidationPrices[] {
  return market.underlyings.map(({ underlying, spotUsd }) => {
    const safe = (factor: number): boolean => {
      const moved = moveSpot(market, underlying, factor, parameters)
      return computeMargin(portfolio, moved, parameters).maintenanceUsd >= 0
    }
    if (!safe(1)) return { underlying, spotUsd, belowUsd: spotUsd, aboveUsd: spotUsd }
    const below = firstUnsafe(safe, 1 / STEP, FACTOR_MIN)
    const above = firstUnsafe(safe, STEP, FACTOR_MAX)
    return {
      underlying,
      spotUsd,
      belowUsd: below === undefined ? undefined : below * spotUsd,
      aboveUsd: above === undefined ? undefined : above * spotUsd,
    }
  })
}

/**
 * Moves spot of one underlying, and with it its forwards, its perpetual and collateral that stands in
 * its book and cancels its risk.
 *
 * @param factor - > 0; 1 changes nothing.
 */
export function moveSpot(
  market: RiskMarket,
  underlying: UnderlyingId,
  factor: number,
  parameters: RiskParameters,
): RiskMarket {
  if (!(factor > 0 && factor < Infinity)) {
    throw new InvalidPortfolioError('spot moves by a factor above 0', `${factor}`)
  }
  const moves = (asset: number): boolean =>
    parameters.collaterals.some(
      (rules) => rules.asset === asset && rules.cancelsRisk && rules.underlying === underlying,
    )
  return {
    ...market,
    underlyings: market.underlyings.map((marks) => {
      if (marks.underlying !== underlying) return marks
      const { perpetual } = marks
      return {
        ...marks,
        spotUsd: marks.spotUsd * factor,
        perpetual: perpetual && { ...perpetual, priceUsd: perpetual.priceUsd * factor },
        expiries: marks.expiries.map((expiry) => ({
          ...expiry,
          forwardUsd: expiry.forwardUsd * factor,
        })),
      }
    }),
    collaterals: market.collaterals.map((mark) =>
      moves(mark.asset) ? { ...mark, priceUsd: mark.priceUsd * factor } : mark,
    ),
  }
}

/** Walks away from 1 step by step; the step that is not safe is narrowed to its edge. */
function firstUnsafe(
  safe: (factor: number) => boolean,
  step: number,
  last: number,
): number | undefined {
  let good = 1
  for (let factor = step; step < 1 ? factor > last : factor < last; factor *= step) {
    if (!safe(factor)) return beyond(boundary(safe, good, factor), factor)
    good = factor
  }
  return safe(last) ? undefined : beyond(boundary(safe, good, last), last)
}

/** The boundary is still safe; the price is the first that is not, to a millionth of a millionth. */
function beyond(edge: number, outside: number): number {
  return edge + (outside - edge) * 1e-12
}
