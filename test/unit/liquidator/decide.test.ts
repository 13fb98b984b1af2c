import { describe, expect, test } from 'vitest'
import { decide } from '../../../cli/actors/liquidator/decide.ts'

const ONE = 10n ** 18n

/** An account with equity 1,000 and a maintenance balance. */
const margin = (maintenance: bigint, initial = maintenance) => ({
  equity18: 1_000n * ONE,
  maintenance18: maintenance * ONE,
  initial18: initial * ONE,
})

describe('what a liquidator does about an account', () => {
  test('a healthy account is left alone', () => {
    expect(decide('healthy', margin(500n), 0n)).toBe('nothing')
  })

  test('initial margin below free credit restricts', () => {
    expect(decide('healthy', margin(500n, 100n), 101n * ONE)).toBe('restrict')
    expect(decide('restricted', margin(500n, 101n), 101n * ONE)).toBe('clear')
  })

  test('what is below the call line is left to the sequencer', () => {
    // E − 1.1 (E − M) < 0, with E = 1,000: below M = 90.9…
    expect(decide('healthy', margin(91n, 1n), 2n * ONE)).toBe('restrict')
    expect(decide('healthy', margin(90n, 1n), 2n * ONE)).toBe('nothing')
    expect(decide('restricted', margin(-1n), 0n)).toBe('nothing')
    expect(decide('call', margin(-1n), 0n)).toBe('nothing')
  })

  test('a call ends only with a buffer of 5 % of the requirement', () => {
    // BM = M − 15 % of (E − M) ≥ 5 % of it: M ≥ 166.67 with E = 1,000.
    expect(decide('call', margin(166n), 0n)).toBe('nothing')
    expect(decide('call', margin(167n), 0n)).toBe('clear')
  })

  test('what is for sale is bid on until the buffer is whole again', () => {
    expect(decide('auction', margin(130n), 0n)).toBe('bid')
    expect(decide('auction', margin(131n), 0n)).toBe('finish')
  })

  test('nothing of value is not for sale', () => {
    const empty = { equity18: 0n, maintenance18: -ONE, initial18: -ONE }
    expect(decide('auction', empty, 0n)).toBe('nothing')
    expect(decide('insolvent', empty, 0n)).toBe('nothing')
  })
})
