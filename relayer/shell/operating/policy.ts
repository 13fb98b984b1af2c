import type { BatchLimits } from '../../core/batch.ts'
import type { SignerLane } from '../../core/class.ts'
import type { FeePolicy } from '../../core/fees.ts'
import type { LedgerPolicy } from '../../core/nonce-ledger.ts'
import type { Chain } from '../chains/chains.ts'

const GWEI = 1_000_000_000n

/** What each signer lane may pay: what is critical may pay more. */
export const FEE_POLICY: Readonly<Record<SignerLane, FeePolicy>> = {
  critical: { maxFeePerGas: 1_000n * GWEI, tipMin: 1n },
  transfer: { maxFeePerGas: 300n * GWEI, tipMin: 1n },
}

/** What one transaction of a lane may hold: a critical one stays small, so that it lands fast. */
export const BATCH_LIMITS: Readonly<Record<SignerLane, BatchLimits>> = {
  critical: { messagesMax: 16, gasMax: 6_000_000n, bytesMax: 24 * 1024 },
  transfer: { messagesMax: 64, gasMax: 15_000_000n, bytesMax: 48 * 1024 },
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
