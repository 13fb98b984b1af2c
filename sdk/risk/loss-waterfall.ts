import { assert } from '../protocol/assert.ts'
import { type Usd18, mulDivUp, usd18 } from '../protocol/units.ts'

/** An account that auto-deleveraging may reach, USD × 10^18. */
export type Counterparty = {
  account: string
  /** Profit that is not settled, signed. */
  unrealisedProfit18: Usd18
  /** E. */
  equity18: Usd18
  /** Gross notional of its positions, ≥ 0. */
  grossNotional18: Usd18
}

/** Who bears a loss. */
export type Waterfall = {
  insurance18: Usd18
  /** In the order of the ranks; each gives up profit. */
  deleveraged: readonly { account: string; amount18: Usd18 }[]
  /** What is left falls on everybody's claims. */
  socialised18: Usd18
}

/**
 * Ranks accounts for auto-deleveraging: by unrealised profit over equity times gross leverage, largest
 * first. Only those with a profit and equity are in it; equal ranks go by account.
 *
 * Ranks are compared as exact fractions, so every machine and the chain agree.
 */
export function deleveragingOrder(counterparties: readonly Counterparty[]): Counterparty[] {
  return counterparties
    .filter(({ unrealisedProfit18, equity18 }) => unrealisedProfit18 > 0n && equity18 > 0n)
    .toSorted((a, b) => {
      // profit/E × gross/E: compared across, the denominators are positive.
      const left = a.unrealisedProfit18 * a.grossNotional18 * b.equity18 * b.equity18
      const right = b.unrealisedProfit18 * b.grossNotional18 * a.equity18 * a.equity18
      if (left !== right) return left > right ? -1 : 1
      return a.account < b.account ? -1 : 1
    })
}

/**
 * Spreads a bad debt: insurance first, then the profits of those that auto-deleveraging ranks, then
 * everybody (V15: the parts add up to the debt exactly, and nothing is socialised while insurance has
 * something left).
 *
 * @param debt18 - ≥ 0.
 * @param insurance18 - What insurance has, ≥ 0.
 */
export function spreadLoss(
  debt18: Usd18,
  insurance18: Usd18,
  counterparties: readonly Counterparty[],
): Waterfall {
  assert(debt18 >= 0n && insurance18 >= 0n, 'a debt and an insurance are not negative')
  const paid = debt18 < insurance18 ? debt18 : insurance18
  let left = debt18 - paid
  const deleveraged: { account: string; amount18: Usd18 }[] = []
  for (const { account, unrealisedProfit18 } of deleveragingOrder(counterparties)) {
    if (left === 0n) break
    const amount = left < unrealisedProfit18 ? left : unrealisedProfit18
    deleveraged.push({ account, amount18: usd18(amount) })
    left -= amount
  }
  const sum = deleveraged.reduce((total, { amount18 }) => total + amount18, paid + left)
  assert(sum === debt18, 'the parts of a loss add up to it')
  assert(left === 0n || paid === insurance18, 'nothing is socialised while insurance has something')
  return { insurance18: usd18(paid), deleveraged, socialised18: usd18(left) }
}

/**
 * Shares a socialised loss among claims in proportion, each part rounded up, so that the pool is not
 * short; the last ones bear less by what rounding gathered.
 *
 * @param claims18 - > 0 each, in a fixed order.
 * @returns One part per claim; they add up to the loss, or to all claims when the loss is larger.
 */
export function socialiseUp(loss18: Usd18, claims18: readonly Usd18[]): Usd18[] {
  const total = claims18.reduce((sum, claim) => sum + claim, 0n)
  const whole = loss18 < total ? loss18 : total
  let left: bigint = whole
  return claims18.map((claim) => {
    assert(claim > 0n, 'a claim that bears a loss is above 0')
    const part = mulDivUp(whole, claim, total)
    const borne = part < left ? part : left
    left -= borne
    return usd18(borne)
  })
}
