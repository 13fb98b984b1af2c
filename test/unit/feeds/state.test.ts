import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  openMarketAnchor,
  openPlayback,
  openSequence,
  savePlayback,
} from '../../../sequencer/feeds/state.ts'

const HOUR_MS = 3_600_000
const SPAN = { firstMs: 1_770_179_043_263, lastMs: 1_770_413_457_623 }
const LOG_ID = `0x${'b'.repeat(64)}` as const

function directory(): string {
  return mkdtempSync(join(tmpdir(), 'tandem-feeds-'))
}

test('recorded time keeps its place on the chains’ clock over restarts', () => {
  const path = join(directory(), 'market.json')
  const nowMs = 1_795_000_000_000
  const first = openMarketAnchor(path, { logId: LOG_ID, source: 'x', span: SPAN, nowMs })
  expect(first.offsetMs % HOUR_MS).toBe(0)
  expect(Math.abs(SPAN.firstMs + first.offsetMs - nowMs)).toBeLessThanOrEqual(HOUR_MS / 2)
  const later = { logId: LOG_ID, source: 'x', span: SPAN, nowMs: nowMs + 5 * HOUR_MS }
  expect(openMarketAnchor(path, later)).toEqual(first)
})

test('the market file of another network is refused, and so is a damaged one', () => {
  const path = join(directory(), 'market.json')
  const options = { logId: LOG_ID, source: 'x', span: SPAN, nowMs: 1_795_000_000_000 }
  openMarketAnchor(path, options)
  const other = `0x${'c'.repeat(64)}` as const
  expect(() => openMarketAnchor(path, { ...options, logId: other })).toThrow('another network')
  writeFileSync(path, '{"version":1')
  expect(() => openMarketAnchor(path, options)).toThrow('not JSON')
  writeFileSync(path, '{"version":2}')
  expect(() => openMarketAnchor(path, options)).toThrow('not valid')
})

test('a sequence gives no number twice, however often its owner is killed', () => {
  const path = join(directory(), 'sequence.json')
  const seen = new Set<bigint>()
  let last = 0n
  for (let life = 0; life < 5; life++) {
    const sequence = openSequence(path)
    for (let i = 0; i < 700; i++) {
      const next = sequence.next()
      expect(next > last && !seen.has(next)).toBe(true)
      expect(
        BigInt((JSON.parse(readFileSync(path, 'utf8')) as { reserved: string }).reserved) >= next,
      ).toBe(true)
      seen.add(next)
      last = next
    }
  }
})

test('a sequence goes on above what the other side has seen', () => {
  const path = join(directory(), 'sequence.json')
  const sequence = openSequence(path)
  sequence.raiseAbove(123_456n)
  expect(sequence.next()).toBe(123_457n)
  sequence.raiseAbove(5n)
  expect(sequence.next()).toBe(123_458n)
  expect(openSequence(path).next() > 123_458n).toBe(true)
})

test('a playback is as it was saved, and begins at the first moment otherwise', () => {
  const path = join(directory(), 'playback.json')
  const options = { span: SPAN, nowMs: 5_000, rate: 2 }
  expect(openPlayback(path, options)).toMatchObject({
    fromMs: SPAN.firstMs,
    startedMs: 5_000,
    rate: 2,
  })
  const playback = { startedMs: 7, fromMs: 1, toMs: 2, durationMs: 3, rate: 4 }
  savePlayback(path, playback)
  expect(openPlayback(path, options)).toEqual(playback)
})
