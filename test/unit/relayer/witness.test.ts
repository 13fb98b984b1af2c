import { describe, expect, test } from 'vitest'
import { compareSightings, type Sighting } from '../../../relayer/core/witness.ts'

const seen = (...nonces: number[]): readonly Sighting[] =>
  nonces.map((nonce) => ({ nonce, id: `0x${nonce.toString(16).padStart(64, '0')}` }))
const forged = (nonce: number): Sighting => ({ nonce, id: `0x${'f'.repeat(64)}` })

describe('what two providers tell of the same blocks', () => {
  test.each([
    ['the same', seen(5, 6), seen(6, 5), 7, 'same'],
    ['less from the other, of messages that both count', seen(5, 6), seen(5), 7, 'they_omit'],
    ['less from the first, of messages that both count', seen(5), seen(5, 6), 7, 'we_omit'],
    ['more than both count', seen(5, 6, 7), seen(5, 6), 7, 'differ'],
    ['another message under the same nonce', [...seen(5), forged(6)], seen(5, 6), 7, 'differ'],
    ['a second message under one nonce', [...seen(5, 6), forged(6)], seen(5, 6), 7, 'differ'],
  ] as const)('is judged: %s', (_what, ours, theirs, counted, verdict) => {
    expect(compareSightings(ours, theirs, counted)).toBe(verdict)
  })
})
