import type { Address, Hash } from './hex.ts'
import type { UnderlyingId } from './ids.ts'

/**
 * Forward, rate and surface of one expiry, as integers.
 * The surface is raw SVI of total variance: w(k) = a + b(ρ(k − m) + √((k − m)² + s²)).
 */
export type ExpiryMark = {
  /** Expiry in seconds since 1970, on the chains' clock. */
  expiryS: number
  /** Forward in USD × 10^8. */
  forward8: bigint
  /** Rate per year × 10^6, signed. */
  rate6: number
  /** SVI a, × 10^9, signed. */
  a9: bigint
  /** SVI b, × 10^9. */
  b9: bigint
  /** SVI ρ, × 10^9, signed, |ρ| < 1. */
  rho9: bigint
  /** SVI m, × 10^9, signed. */
  m9: bigint
  /** SVI s, × 10^9, positive. */
  s9: bigint
  /** The surface's own time in seconds: σ = √(w / tau). */
  tauS: number
  /** Confidence × 10^4: 10,000 is full. */
  confidence4: number
}

/** Marks of one underlying at one moment: what m of n feed keys sign. */
export type FeedUpdate = {
  underlying: UnderlyingId
  /** Strictly increasing per underlying. */
  sequence: bigint
  /** Milliseconds since 1970. */
  timestampMs: number
  /** Spot price in USD × 10^8. */
  spot8: bigint
  /** Confidence of the spot × 10^4. */
  spotConfidence4: number
  /** Price of the pool's stable numéraire in USD × 10^8. */
  stable8: bigint
  /** By expiry, ascending. */
  expiries: readonly ExpiryMark[]
}

/** EIP-712 domain of everything that binds to one network: chain independent, bound by the log id. */
export function tandemDomain(logId: Hash): { name: 'Tandem'; version: '1'; salt: Hash } {
  return { name: 'Tandem', version: '1', salt: logId }
}

/** EIP-712 types of {@link FeedUpdate}; the field names are those of the Solidity struct. */
export const feedUpdateTypes = {
  FeedUpdate: [
    { name: 'underlying', type: 'uint16' },
    { name: 'sequence', type: 'uint64' },
    { name: 'timestampMs', type: 'uint64' },
    { name: 'spot8', type: 'uint64' },
    { name: 'spotConfidence4', type: 'uint16' },
    { name: 'stable8', type: 'uint64' },
    { name: 'expiries', type: 'ExpiryMark[]' },
  ],
  ExpiryMark: [
    { name: 'expiryS', type: 'uint40' },
    { name: 'forward8', type: 'uint64' },
    { name: 'rate6', type: 'int32' },
    { name: 'a9', type: 'int64' },
    { name: 'b9', type: 'uint64' },
    { name: 'rho9', type: 'int64' },
    { name: 'm9', type: 'int64' },
    { name: 's9', type: 'uint64' },
    { name: 'tauS', type: 'uint32' },
    { name: 'confidence4', type: 'uint16' },
  ],
} as const

/** A feed update with the signatures of its feeds, in ascending order of the signers' addresses. */
export type SignedFeedUpdate = {
  update: FeedUpdate
  signatures: readonly Hash[]
  signers?: readonly Address[] | undefined
}
