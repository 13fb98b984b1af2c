import { InvalidPortfolioError } from '../invalid-portfolio.ts'
import type { RiskParameters } from '../parameters.ts'
import { columnsOf } from './columns.ts'
import { type ExpiryLeaf, LEAF_LOTS_MAX, type RiskLeaf } from './leaf.ts'

const E18 = 10n ** 18n
/** Lots are of 10^-4 contract. */
const LOTS = 10_000n

/** One expiry of an account with the leaves of what it holds there. */
export type CheckedExpiry = {
  leaf: ExpiryLeaf
  positions: readonly {
    leaf: RiskLeaf
    /** Lots of 10^-4 contract, signed, |lots| < 2^56. */
    lots: bigint
    /** Equal for call and put of one strike. */
    strike8: bigint
  }[]
}

/** Margin of options and cash in whole micro-dollars, rounded against the account. */
export type CheckedMargin = {
  equity6: bigint
  initial6: bigint
  maintenance6: bigint
  /** Largest loss of the book, ≥ 0. */
  worstLoss6: bigint
}

/**
 * Margins the options of one underlying from their leaves in integers alone: what a contract does.
 *
 * Per expiry every scenario's profit is rounded down to a micro-dollar, charges are rounded up.
 *
 * @param cash6 - Cash, micro-dollars, signed.
 * @param lossFactor18 - Factor on losses in initial margin × 10^18.
 * @throws InvalidPortfolioError when lots are out of range or the grid does not fit a leaf.
 */
export function checkMargin(
  given: { cash6: bigint; expiries: readonly CheckedExpiry[]; lossFactor18: bigint },
  parameters: RiskParameters,
): CheckedMargin {
  const { scenarios } = parameters
  const { mark, basisUp, basisDown } = columnsOf(parameters)
  const profits = scenarios.map(() => 0n)
  const totals = { basis: 0n, mark: 0n, naked: 0n, doubt: 0n }
  for (const { leaf, positions } of given.expiries) {
    checkLots(positions)
    const sum = (column: number): bigint =>
      positions.reduce((total, held) => total + held.lots * valueOf(held.leaf, column), 0n)
    const marked = sum(mark)
    for (const [s, scenario] of scenarios.entries()) {
      const moved = sum(s)
      const discount = moved >= 0n ? leaf.discountPositive18 : leaf.discountNegative18
      const profit = (moved * discount - marked * E18) * scaled18(scenario.dampening)
      const counted = scenario.kind === 'skew' && profit > 0n ? -profit : profit
      profits[s] = (profits[s] as bigint) + divideDown(counted, E18 * E18 * LOTS)
    }
    const basis = least([sum(basisUp) - marked, sum(basisDown) - marked, 0n])
    totals.basis += divideDown(basis * leaf.basisWeight18, E18 * LOTS)
    totals.mark += divideDown(marked, LOTS)
    const gross = positions.reduce((total, { lots }) => total + (lots < 0n ? -lots : lots), 0n)
    totals.doubt += divideUp(gross * leaf.spot6 * leaf.confidence18, E18 * LOTS)
    if (leaf.live) totals.naked += divideUp(nakedLots(positions) * leaf.spot6, LOTS)
  }
  const worstLoss6 = -least([...profits, totals.basis, 0n])
  const { lossFactor, nakedShort } = parameters
  const equity6 = given.cash6 + totals.mark
  const charge = (rate: number): bigint => divideUp(totals.naked * scaled18(rate), E18)
  const maintenance = charge(nakedShort.maintenance)
  const initial = maintenance + charge(nakedShort.initialExtra) + totals.doubt
  const loss = (factor18: bigint): bigint => divideUp(worstLoss6 * factor18, E18)
  return {
    equity6,
    initial6: equity6 - loss(given.lossFactor18) - initial,
    maintenance6: equity6 - loss(scaled18(lossFactor.maintenance)) - maintenance,
    worstLoss6,
  }
}

/** Gives a parameter × 10^18, to the nearest of its fifteen significant digits. */
export function scaled18(value: number): bigint {
  const [digits = '0', exponent = '0'] = value.toExponential(14).split('e')
  const whole = BigInt(digits.replace('.', ''))
  const power = Number(exponent) - 14 + 18
  return power >= 0 ? whole * 10n ** BigInt(power) : whole / 10n ** BigInt(-power)
}

function valueOf(leaf: RiskLeaf, column: number): bigint {
  const value = leaf.values6[column]
  if (value === undefined) {
    throw new InvalidPortfolioError('mark and basis moves are scenarios', `column ${column}`)
  }
  return value
}

function checkLots(positions: CheckedExpiry['positions']): void {
  for (const { lots } of positions) {
    if (lots > LEAF_LOTS_MAX || lots < -LEAF_LOTS_MAX) {
      throw new InvalidPortfolioError('lots are below 2^56', `${lots}`)
    }
  }
}

function nakedLots(positions: CheckedExpiry['positions']): bigint {
  const net = new Map<bigint, bigint>()
  for (const { strike8, lots } of positions) net.set(strike8, (net.get(strike8) ?? 0n) + lots)
  let naked = 0n
  for (const lots of net.values()) if (lots < 0n) naked -= lots
  return naked
}

function least(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b < a ? b : a))
}

function divideDown(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient
}

function divideUp(value: bigint, divisor: bigint): bigint {
  return -divideDown(-value, divisor)
}
