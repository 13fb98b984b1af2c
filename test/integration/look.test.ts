import { afterEach, describe, expect, test } from 'vitest'
import type { Address } from '../../sdk/protocol/hex.ts'
import {
  envAfter,
  senders,
  signedLeg,
  testRollup,
  type Sender,
  type TestRollup,
} from '../fixtures/rollup/driver.ts'

const alice = senders[0] as Sender
const someone: Address = `0x${'5e'.repeat(20)}`
/** Adds 1 to its word 7 when it is called with something, else gives that word. */
const counter: Address = `0x${'cc'.repeat(20)}`
const code = '0x36600d576007545f5260205ff35b60075460010160075500'
const word = (value: number) => `0x${value.toString(16).padStart(64, '0')}` as const

let made: TestRollup | undefined

afterEach(async () => made?.close())

describe('a simulated state', () => {
  test('lets one look at storage, balances and calls between two legs', async () => {
    made = testRollup({ [counter]: { code } })
    const { driver } = made
    const env = envAfter(await driver.start())
    const pay = (nonce: number) => signedLeg(alice, nonce, { to: someone, value: 5n })
    const legs = [await pay(0), await pay(1)]
    const wei = async (count: number) => {
      const seen = await driver.look(env, legs.slice(0, count), { to: someone, balance: true })
      return seen.kind === 'data' ? BigInt(seen.data) : seen
    }
    expect([await wei(0), await wei(1), await wei(2)]).toEqual([0n, 5n, 10n])
    const calls = [await signedLeg(alice, 0, { to: counter, data: '0x01' })]
    const slots = [word(7), word(8)]
    expect(await driver.look(env, [], { to: counter, slots })).toEqual({
      kind: 'data',
      data: `0x${'0'.repeat(128)}`,
    })
    expect(await driver.look(env, calls, { to: counter, slots })).toEqual({
      kind: 'data',
      data: `${word(1)}${'0'.repeat(64)}`,
    })
    const view = { to: counter, input: '0x' } as const
    expect(await driver.look(env, calls, view)).toEqual({ kind: 'data', data: word(1) })
    const moved = { ...env, parentHash: word(7) }
    expect(await driver.look(moved, [], { to: counter, slots })).toMatchObject({ kind: 'stale' })
  })
})
