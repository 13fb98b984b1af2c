import { mulDivUp } from '../../sdk/protocol/units.ts'

/** What a transaction offers, in wei per gas. */
export type Fee = { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }

/** What a lane may pay. */
export type FeePolicy = {
  /** Highest fee a transaction of the lane may offer, wei per gas. */
  maxFeePerGas: bigint
  /** Lowest tip offered, wei per gas. */
  tipMin: bigint
}

/** A fee, or that the lane's cap is below what the chain asks. */
export type FeeDecision = { status: 'ok'; fee: Fee } | { status: 'above_cap'; needed: bigint }

const BUMP_PERCENT = 113n

/** Prices a first transaction: twice the base fee and the tip, so that a rise does not strand it. */
export function firstFee(
  { baseFee, tip }: { baseFee: bigint; tip: bigint },
  policy: FeePolicy,
): FeeDecision {
  const priority = tip > policy.tipMin ? tip : policy.tipMin
  const needed = baseFee + priority
  if (needed > policy.maxFeePerGas) return { status: 'above_cap', needed }
  const wished = 2n * baseFee + priority
  const maxFeePerGas = wished < policy.maxFeePerGas ? wished : policy.maxFeePerGas
  return { status: 'ok', fee: { maxFeePerGas, maxPriorityFeePerGas: priority } }
}

/** Prices a replacement: 12.5 % above the last offer (nodes ask for 10 %), and what is due now. */
export function bumpedFee(
  last: Fee,
  now: { baseFee: bigint; tip: bigint },
  policy: FeePolicy,
): FeeDecision {
  const first = firstFee(now, policy)
  if (first.status !== 'ok') return first
  const raised = {
    maxFeePerGas: mulDivUp(last.maxFeePerGas, BUMP_PERCENT, 100n),
    maxPriorityFeePerGas: mulDivUp(last.maxPriorityFeePerGas, BUMP_PERCENT, 100n),
  }
  const maxPriorityFeePerGas = max(raised.maxPriorityFeePerGas, first.fee.maxPriorityFeePerGas)
  const maxFeePerGas = max(max(raised.maxFeePerGas, first.fee.maxFeePerGas), maxPriorityFeePerGas)
  if (maxFeePerGas > policy.maxFeePerGas) return { status: 'above_cap', needed: maxFeePerGas }
  return { status: 'ok', fee: { maxFeePerGas, maxPriorityFeePerGas } }
}

/** Gives a transaction's gas limit from an estimate: a fifth more, because state moves meanwhile. */
export function gasLimitUp(estimate: bigint): bigint {
  return mulDivUp(estimate, 6n, 5n) + 20_000n
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
