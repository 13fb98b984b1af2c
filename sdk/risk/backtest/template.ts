import type { OptionRight } from '../black76.ts'
import type { OptionPosition, Portfolio } from '../portfolio.ts'

/** A portfolio relative to where the market stands when it is entered. */
export type PortfolioTemplate = {
  name: string
  options: readonly {
    right: OptionRight
    /** Strike as a share of spot at entry: 0.9 is 10 % below. */
    strike: number
    /** Days to expiry at entry. */
    days: number
    /** Contracts, signed. */
    size: number
  }[]
  /** Perpetual contracts, signed. */
  perpetual: number
  /** Coins of the underlying held as collateral, ≥ 0. */
  coins: number
}

/** Underlying and asset of a backtest's only market. */
export const BACKTEST_UNDERLYING = 1
/** The underlying's own asset, as collateral. */
export const BACKTEST_ASSET = 2

/** Portfolios that a backtest runs unless it is given others. */
export const TEMPLATES: readonly PortfolioTemplate[] = [
  template('short put', [['put', 0.9, 30, -1]]),
  template('short strangle', [
    ['put', 0.9, 30, -1],
    ['call', 1.1, 30, -1],
  ]),
  template('put spread', [
    ['put', 0.9, 30, -1],
    ['put', 0.8, 30, 1],
  ]),
  template('iron condor', [
    ['put', 0.8, 30, 1],
    ['put', 0.9, 30, -1],
    ['call', 1.1, 30, -1],
    ['call', 1.2, 30, 1],
  ]),
  template('calendar', [
    ['call', 1, 14, -1],
    ['call', 1, 60, 1],
  ]),
  template('covered call', [['call', 1.1, 30, -1]], { coins: 1 }),
  template(
    'collar',
    [
      ['put', 0.9, 30, 1],
      ['call', 1.1, 30, -1],
    ],
    { coins: 1 },
  ),
  template(
    'short straddle, hedged',
    [
      ['put', 1, 30, -1],
      ['call', 1, 30, -1],
    ],
    { perpetual: 0.1 },
  ),
  template('long straddle', [
    ['put', 1, 30, 1],
    ['call', 1, 30, 1],
  ]),
  template('long perpetual', [], { perpetual: 1 }),
]

/**
 * Puts a template into a portfolio at a price and a time.
 *
 * @returns Cash of 0; expiries in whole seconds.
 */
export function enter(given: PortfolioTemplate, spotUsd: number, atMs: number): Portfolio {
  const { options, perpetual, coins } = given
  return {
    cashUsd: 0,
    options: options.map(({ right, strike, days, size }): OptionPosition => ({
      underlying: BACKTEST_UNDERLYING,
      expiryS: Math.floor(atMs / 1_000) + Math.round(days * 86_400),
      strikeUsd: strike * spotUsd,
      right,
      size,
    })),
    perpetuals:
      perpetual === 0
        ? []
        : [{ underlying: BACKTEST_UNDERLYING, size: perpetual, unsettledUsd: 0 }],
    collaterals: coins === 0 ? [] : [{ asset: BACKTEST_ASSET, amount: coins }],
  }
}

type Leg = [right: OptionRight, strike: number, days: number, size: number]

function template(
  name: string,
  legs: readonly Leg[],
  rest: { perpetual?: number; coins?: number } = {},
): PortfolioTemplate {
  const options = legs.map(([right, strike, days, size]) => ({ right, strike, days, size }))
  return { name, options, perpetual: rest.perpetual ?? 0, coins: rest.coins ?? 0 }
}
