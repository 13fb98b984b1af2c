import { expect, test } from 'vitest'
import { size18, usd18 } from '../../../sdk/protocol/units.ts'
import {
  fromFixed,
  fromSize18,
  fromUsd18,
  toUsd18Down,
  toUsd18Up,
} from '../../../sdk/risk/fixed-point.ts'

test('dollars are rounded toward the side that their name says', () => {
  expect(toUsd18Down(0.1)).toBe(100_000_000_000_000_005n)
  expect(toUsd18Up(0.1)).toBe(100_000_000_000_000_006n)
  expect(toUsd18Down(-0.1)).toBe(-100_000_000_000_000_006n)
  expect(toUsd18Up(-0.1)).toBe(-100_000_000_000_000_005n)
  expect(toUsd18Down(2 ** 60)).toBe(2n ** 60n * 10n ** 18n)
  expect(toUsd18Up(5e-324)).toBe(1n)
  expect(toUsd18Down(5e-324)).toBe(0n)
  expect(toUsd18Down(0)).toBe(0n)
})

test('a figure that is no number is a bug, not a balance', () => {
  expect(() => toUsd18Down(NaN)).toThrow('finite')
  expect(() => toUsd18Up(Infinity)).toThrow('finite')
})

test('fixed point comes back as the nearest double', () => {
  expect(fromUsd18(usd18(-1_500_000_000_000_000_000n))).toBe(-1.5)
  expect(fromSize18(size18(100_000_000_000_000n))).toBe(0.0001)
  expect(fromFixed(2_345_67890000n, 8)).toBe(2345.6789)
})
