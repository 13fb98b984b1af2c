import type { Hash } from './hex.ts'
import type { AccountId, InstrumentId } from './ids.ts'

/** What the risk signer says of one account's margin; the hub checks the rest itself. */
export type MarginAttestation = {
  account: AccountId
  /** `CreditBook.positionsHash(account)` of the portfolio that was margined. */
  positionsHash: Hash
  /** Last feed update that the figures rest on. */
  marksSeq: bigint
  paramsVersion: number
  /** Initial margin balance I in USD × 10^18, signed: negative is a shortfall. */
  initial18: bigint
  /** Maintenance margin balance M in USD × 10^18, signed. */
  maintenance18: bigint
  /** Value of options and unsettled P&L, collateral apart, in USD × 10^18, signed. */
  markToMarket18: bigint
  /** Equity E in USD × 10^18, signed. */
  equity18: bigint
  /** Index of the scenario that binds; 255 is the basis contingency. */
  worstScenario: number
  validUntilSlot: bigint
}

/** EIP-712 types of {@link MarginAttestation}; the domain is the network's. */
export const marginAttestationTypes = {
  MarginAttestation: [
    { name: 'account', type: 'bytes32' },
    { name: 'positionsHash', type: 'bytes32' },
    { name: 'marksSeq', type: 'uint64' },
    { name: 'paramsVersion', type: 'uint32' },
    { name: 'initial18', type: 'int256' },
    { name: 'maintenance18', type: 'int256' },
    { name: 'markToMarket18', type: 'int256' },
    { name: 'equity18', type: 'int256' },
    { name: 'worstScenario', type: 'uint8' },
    { name: 'validUntilSlot', type: 'uint64' },
  ],
} as const

/**
 * What one contract of an instrument costs an account that a spoke margins by itself.
 * Signed by the risk signer, per contract, in USD × 10^18; requirements are rounded up.
 */
export type InstrumentRisk = {
  instrument: InstrumentId
  marksSeq: bigint
  /** Mark value of one contract. */
  mark18: bigint
  /** Stand-alone initial requirement of one contract held long. */
  longRequirement18: bigint
  /** Stand-alone initial requirement of one contract held short. */
  shortRequirement18: bigint
  validUntilSlot: bigint
}

/** EIP-712 types of {@link InstrumentRisk}; the domain is the network's. */
export const instrumentRiskTypes = {
  InstrumentRisk: [
    { name: 'instrument', type: 'uint256' },
    { name: 'marksSeq', type: 'uint64' },
    { name: 'mark18', type: 'uint256' },
    { name: 'longRequirement18', type: 'uint256' },
    { name: 'shortRequirement18', type: 'uint256' },
    { name: 'validUntilSlot', type: 'uint64' },
  ],
} as const
