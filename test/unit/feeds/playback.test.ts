import { expect, test } from 'vitest'
import { type Playback, phaseAt, recordedAt, withRate } from '../../../sequencer/feeds/playback.ts'

const SPAN = { firstMs: 1_000_000, lastMs: 2_000_000 }
const REPLAY: Playback = {
  startedMs: 50_000,
  fromMs: 1_200_000,
  toMs: 1_700_000,
  durationMs: 10_000,
  rate: 1,
}
const at = (clockMs: number, playback = REPLAY) => recordedAt(playback, SPAN, clockMs)

test('a replay runs evenly from its first to its last moment and plays on at the usual rate', () => {
  expect(at(50_000)).toBe(1_200_000)
  expect(at(52_000)).toBe(1_300_000)
  expect(at(60_000)).toBe(1_700_000)
  expect(at(61_000)).toBe(1_701_000)
  expect(phaseAt(REPLAY, SPAN, 59_999)).toBe('replaying')
  expect(phaseAt(REPLAY, SPAN, 60_000)).toBe('playing')
})

test('a recording holds its last moment when it ends', () => {
  expect(at(50_000 + 10_000 + 400_000)).toBe(SPAN.lastMs)
  expect(phaseAt(REPLAY, SPAN, 1_000_000)).toBe('ended')
  expect(at(10 ** 12)).toBe(SPAN.lastMs)
})

test('a clock that went back shows the start, and a run backwards is allowed', () => {
  expect(at(10)).toBe(1_200_000)
  const back = { ...REPLAY, fromMs: 1_700_000, toMs: 1_200_000 }
  expect(at(52_000, back)).toBe(1_600_000)
})

test('another rate changes what comes, not what was', () => {
  const faster = withRate(REPLAY, SPAN, 70_000, 10)
  expect(at(70_000, faster)).toBe(at(70_000))
  expect(at(71_000, faster)).toBe(at(70_000) + 10_000)
  expect(withRate(REPLAY, SPAN, 70_000, 1)).toBe(REPLAY)
  const during = withRate(REPLAY, SPAN, 52_000, 0)
  expect(at(55_000, during)).toBe(at(55_000))
  expect(at(90_000, during)).toBe(1_700_000)
})
