import type { Hex } from './hex.ts'

/** Milliseconds around its time within which an operator's order counts. */
export const CONTROL_AGE_MS = 60_000

/** EIP-712 types of an operator's order to resume a stopped rollup; the domain is the network's. */
export const resumeChainTypes = {
  ResumeChain: [
    { name: 'chainId', type: 'uint64' },
    { name: 'issuedAtMs', type: 'uint64' },
  ],
} as const

/** An order to resume a stopped rollup, as `tandem_resumeChain` takes it. */
export type ResumeRequest = {
  chainId: number
  /** Milliseconds since 1970. */
  issuedAtMs: number
  /** By the `sequencer` key over {@link resumeChainTypes}. */
  signature: Hex
}
