import type { SignerLane } from '../core/class.ts'
import type { FeePolicy } from '../core/fees.ts'
import type { LedgerPolicy } from '../core/nonce-ledger.ts'
import type { Chain } from './chains.ts'

const GWEI = 1_000_000_000n

/** What each signer lane may pay: what is critical may pay more. */
export const FEE_POLICY: Readonly<Record<SignerLane, FeePolicy>> = {
  critical: { maxFeePerGas: 1_000n * GWEI, tipMin: 1n },
  transfer: { maxFeePerGas: 300n * GWEI, tipMin: 1n },
}

/** When a transaction on a chain counts as stuck, and when its nonce may be forgotten. */
export function ledgerPolicyOf({ reorgPeriod }: Pick<Chain, 'reorgPeriod'>): LedgerPolicy {
  return {
    resendBlocks: 3,
    bumpBlocks: 6,
    // A chain that never goes back needs no memory of what it mined.
    settleBlocks: reorgPeriod === 0 ? 0 : 2 * reorgPeriod,
    pendingMax: 256,
  }
}
