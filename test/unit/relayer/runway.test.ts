import { expect, test } from 'vitest'
import { nextRunway, runwayS, type Runway } from '../../../relayer/core/runway.ts'

const ETHER = 10n ** 18n

function spend(weiPerS: bigint, seconds: number, from: bigint): Runway {
  let runway = nextRunway(undefined, { wei: from, atMs: 0 })
  for (let s = 1; s <= seconds; s++) {
    runway = nextRunway(runway, { wei: from - weiPerS * BigInt(s), atMs: s * 1_000 })
  }
  return runway
}

test('a wallet that spends steadily lasts its balance divided by the rate', () => {
  const runway = spend(10n ** 14n, 3_000, ETHER)
  expect(runwayS(runway)).toBeGreaterThan(6_500)
  expect(runwayS(runway)).toBeLessThan(7_500)
})

test('money that comes in is no spending, an idle wallet lasts a year, an empty one not at all', () => {
  const idle = nextRunway({ wei: 1n, atMs: 0, spentPerS: 0 }, { wei: ETHER, atMs: 1_000 })
  expect(idle.spentPerS).toBe(0)
  expect(runwayS(idle)).toBe(365 * 86_400)
  expect(runwayS({ ...idle, wei: 0n })).toBe(0)
})
