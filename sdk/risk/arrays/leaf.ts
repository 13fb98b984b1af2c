import { assert } from '../../protocol/assert.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { Hash, Hex } from '../../protocol/hex.ts'
import type { RiskKey, UnderlyingId } from '../../protocol/ids.ts'
import { keccak256 } from '../../protocol/keccak.ts'

/** Scenarios that a leaf has room for. */
export const LEAF_SCENARIOS = 33
/** Lots and lanes are bounded so that 128 positions add up below 2^127 in half of an EVM word. */
export const LEAF_LOTS_MAX = (1n << 56n) - 1n

const LANE_MAX = (1n << 63n) - 1n
/** Delta and gamma in steps of 10^-15; a lane of delta holds delta + 1. */
const GREEK_SCALE = 1e15

/** A risk array as the chain sees it. */
export type RiskLeaf = {
  key: RiskKey
  /** Shocked values, micro-dollars per contract, in the order of the grid. */
  values6: readonly bigint[]
  /** Value at the mark, micro-dollars per contract. */
  mark6: bigint
  /** Delta × 10^15, in `[−10^15, 10^15]`. */
  delta15: bigint
  /** Gamma × 10^15, ≥ 0. */
  gamma15: bigint
}

/** What the chain needs of an expiry to discount and weigh the sums of its leaves. */
export type ExpiryLeaf = {
  underlying: UnderlyingId
  expiryS: number
  /** d⁺, d⁻ and the weight of the basis contingency, × 10^18. */
  discountPositive18: bigint
  discountNegative18: bigint
  basisWeight18: bigint
  /** Micro-dollars per contract of the underlying. */
  spot6: bigint
  /** Charge of confidence on notional × 10^18, without and with a perpetual held. */
  confidence18: bigint
  confidenceWithPerpetual18: bigint
  /** False once the expiry has settled: no scenario moves it and no short is naked. */
  live: boolean
}

/** Rounds a Greek to the nearest step of 10^-15, ties toward +∞. */
export function greekNearest15(value: number): bigint {
  assert(Number.isFinite(value), 'a Greek is finite')
  const scaled = value * GREEK_SCALE
  return scaled < 9e18 ? BigInt(Math.floor(scaled + 0.5)) : LANE_MAX
}

/**
 * Encodes a risk array: risk key in a word of 32 bytes, then 36 lanes in 9 words. A word holds four
 * lanes, the lowest lane in its lowest bits; lanes are 33 values, mark, delta + 1, gamma.
 *
 * @returns 320 bytes.
 * @throws InvariantError when a lane does not fit 63 bits.
 */
export function encodeRiskLeaf(leaf: RiskLeaf): Hex {
  assert(leaf.values6.length <= LEAF_SCENARIOS, 'a leaf has room for 33 scenarios')
  const padding = Array.from({ length: LEAF_SCENARIOS - leaf.values6.length }, () => 0n)
  const delta = leaf.delta15 + BigInt(GREEK_SCALE)
  return encodeWords(leaf.key, [...leaf.values6, ...padding, leaf.mark6, delta, leaf.gamma15])
}

/** Takes a risk array apart: the inverse of {@link encodeRiskLeaf} for 33 scenarios. */
export function decodeRiskLeaf(bytes: Hex): RiskLeaf {
  assert(bytes.length === 2 + 2 * 320, 'a leaf has 320 bytes')
  const lane = (index: number): bigint => {
    const word = 1 + Math.floor(index / 4)
    const end = 2 + 64 * (word + 1) - 16 * (index % 4)
    return BigInt(`0x${bytes.slice(end - 16, end)}`)
  }
  return {
    key: BigInt(bytes.slice(0, 66)),
    values6: Array.from({ length: LEAF_SCENARIOS }, (_, i) => lane(i)),
    mark6: lane(LEAF_SCENARIOS),
    delta15: lane(LEAF_SCENARIOS + 1) - BigInt(GREEK_SCALE),
    gamma15: lane(LEAF_SCENARIOS + 2),
  }
}

/**
 * Encodes an expiry's leaf: underlying above expiry in a word, then 8 lanes in 2 words in the order of
 * the type's fields, `live` as 1 or 0 last.
 *
 * @returns 96 bytes.
 */
export function encodeExpiryLeaf(leaf: ExpiryLeaf): Hex {
  const key = (BigInt(leaf.underlying) << 40n) | BigInt(leaf.expiryS)
  return encodeWords(key, [
    leaf.discountPositive18,
    leaf.discountNegative18,
    leaf.basisWeight18,
    leaf.spot6,
    leaf.confidence18,
    leaf.confidenceWithPerpetual18,
    leaf.live ? 1n : 0n,
    0n,
  ])
}

/** Hashes a leaf for a Merkle tree: twice, so that no inner node passes for a leaf. */
export function leafHash(bytes: Hex): Hash {
  return keccak256(keccak256(bytes))
}

function encodeWords(key: bigint, lanes: readonly bigint[]): Hex {
  const words = 1 + lanes.length / 4
  const bytes = new Uint8Array(32 * words)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < 4; i++) {
    view.setBigUint64(8 * i, BigInt.asUintN(64, key >> BigInt(64 * (3 - i))))
  }
  for (const [i, lane] of lanes.entries()) {
    assert(lane >= 0n && lane <= LANE_MAX, 'a lane is a natural number below 2^63')
    view.setBigUint64(32 * (1 + Math.floor(i / 4)) + 8 * (3 - (i % 4)), lane)
  }
  return bytesToHex(bytes)
}
