import { expect, test } from 'vitest'
import { settlementAverage } from '../../../sdk/risk/settlement.ts'

const EXPIRY_S = 1_770_364_800
const END_MS = EXPIRY_S * 1_000

/** A mark in each of some intervals of the window, counted from its start. */
const marks = (intervals: readonly number[], price8: (i: number) => bigint) =>
  intervals.map((i) => ({ timestampMs: END_MS - 1_800_000 + i * 10_000, spot8: price8(i) }))
const first = (count: number) => Array.from({ length: count }, (_, i) => i)

test('an expiry settles at the mean of 180 intervals, once it has passed', () => {
  const all = marks(first(180), (i) => BigInt(100 + i))
  expect(settlementAverage(all, EXPIRY_S, END_MS - 1).settlement8).toBeUndefined()
  const done = settlementAverage(all, EXPIRY_S, END_MS)
  expect(done).toEqual({ present: 180, meanSoFar8: 189n, settlement8: 189n })
})

test('settlement waits while fewer than 162 intervals have a mark', () => {
  const at = (count: number) =>
    settlementAverage(
      marks(first(count), () => 7n),
      EXPIRY_S,
      END_MS,
    ).settlement8
  expect(at(161)).toBeUndefined()
  expect(at(162)).toBe(7n)
})

test('of an interval the first accepted mark counts, and none outside the window', () => {
  const start = END_MS - 1_800_000
  const given = [
    { timestampMs: start - 1, spot8: 900n },
    { timestampMs: start, spot8: 10n },
    { timestampMs: start + 9_999, spot8: 900n },
    { timestampMs: END_MS - 1, spot8: 13n },
    { timestampMs: END_MS, spot8: 900n },
  ]
  expect(settlementAverage(given, EXPIRY_S, END_MS - 5)).toEqual({
    present: 2,
    meanSoFar8: 11n,
    settlement8: undefined,
  })
  expect(settlementAverage([], EXPIRY_S, END_MS).meanSoFar8).toBeUndefined()
})
