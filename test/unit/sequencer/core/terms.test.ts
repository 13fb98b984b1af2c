import { describe, expect, test } from 'vitest'
import type { Address } from '../../../../sdk/protocol/hex.ts'
import type { SlotRecord } from '../../../../sdk/protocol/slot.ts'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import { CONTRACT, UNLUCKY, type Op } from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  hashesOf,
  refusalOf,
  startHarness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, START_MS, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]
const fail: Op[] = [{ do: 'fail' }]
const other = USERS[1] as Address
const plain = { canSkip: false, after: [] }
const skip = { canSkip: true, after: [] }
const word = (value: number) => `0x${value.toString(16).padStart(64, '0')}` as const
const countIs = (value: number) => ({
  knownAccounts: [{ address: CONTRACT.counter, slots: [{ slot: word(0), value: word(value) }] }],
})

describe('a leg that may be skipped', () => {
  test('is left out when it would fail, and the rest stands', async () => {
    const { answer, process, settle, visible, restart } = await startHarness()
    const legs = [counterLeg(alpha, 0, fail), counterLeg(beta, 0, add), counterLeg(hub, 0, add)]
    const bundle = bundleOf(legs, { legTerms: [skip, plain, skip] })
    const receipt = await answer(process().port.sendBundle(bundle))
    expect(receipt.results.map(({ status }) => status)).toEqual([2, 1, 1])
    await settle()
    expect(hashesOf(visible(alpha))).not.toContain(legs[0]!.hash)
    // Its nonce was not used.
    await answer(process().port.sendTransaction(counterLeg(alpha, 0, add)))
    await restart()
    expect(await answer(process().port.sendBundle(bundle))).toEqual(receipt)
  })

  test('is left out when its nonce does not fit, while another leg’s nonce fails the bundle', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    await answer(port.sendTransaction(counterLeg(alpha, 0, add)))
    const legs = [counterLeg(alpha, 0, [{ do: 'add', value: 9 }]), counterLeg(beta, 0, add)]
    const mayRevert = { legs, canRevert: [true, false] }
    expect(await refusalOf(answer(port.sendBundle(mayRevert)))).toMatchObject({
      error: 'NONCE_TOO_LOW',
      values: { nonce: 0, expected: 1 },
    })
    const fresh = [legs[0]!, counterLeg(beta, 0, [{ do: 'add', value: 9 }])]
    const receipt = await answer(port.sendBundle(bundleOf(fresh, { legTerms: [skip, plain] })))
    expect(receipt.results.map(({ status }) => status)).toEqual([2, 1])
  })

  test('takes later legs of its account with it, or the bundle fails by their nonce', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const legs = (from: Address) => [
      counterLeg(alpha, 0, fail, { from }),
      counterLeg(alpha, 1, add, { from }),
      counterLeg(beta, 0, add, { from }),
    ]
    const strict = bundleOf(legs(other), { legTerms: [skip, plain, plain] })
    expect(await refusalOf(answer(port.sendBundle(strict)))).toMatchObject({
      error: 'NONCE_GAP',
      values: { nonce: 1, expected: 0 },
    })
    const loose = bundleOf(legs(USERS[2]!), { legTerms: [skip, skip, plain] })
    const receipt = await answer(port.sendBundle(loose))
    expect(receipt.results.map(({ status }) => status)).toEqual([2, 2, 1])
  })

  test('and is the only one does not make an empty bundle', async () => {
    const { answer, process } = await startHarness()
    const bundle = bundleOf([counterLeg(alpha, 0, fail)], { legTerms: [skip] })
    expect(await refusalOf(answer(process().port.sendBundle(bundle)))).toMatchObject({
      error: 'LEG_FAILED',
      values: { reason: 'every leg was left out' },
    })
  })
})

describe('a leg after others', () => {
  test('is left out with them, or fails the bundle', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const legs = [counterLeg(alpha, 0, fail), counterLeg(beta, 0, add), counterLeg(hub, 0, add)]
    const required = bundleOf(legs, { legTerms: [skip, { ...plain, after: [0] }, plain] })
    expect(await refusalOf(answer(port.sendBundle(required)))).toMatchObject({
      error: 'LEG_FAILED',
      values: { leg: 1, reason: 'leg 0, which it comes after, did not succeed' },
    })
    const chain = bundleOf(legs, {
      legTerms: [skip, { ...skip, after: [0] }, plain],
      maxSlot: 400n,
    })
    const mine = { ...chain, legs: legs.map((leg) => ({ ...leg })) }
    const told = await refusalOf(answer(port.sendBundle({ ...mine, replacementUuid: undefined })))
    // The required legs of the first bundle stay its own.
    expect(told.error).toBe('LEG_ALONE')
    const fresh = legs.map((leg, i) =>
      counterLeg(leg.chainId, 0, i === 0 ? fail : [{ do: 'add', value: 3 }], { from: other }),
    )
    const receipt = await answer(port.sendBundle({ ...chain, legs: fresh }))
    expect(receipt.results.map(({ status }) => status)).toEqual([2, 2, 1])
  })

  test('cannot come after a later one', async () => {
    const { answer, process } = await startHarness()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, add)]
    const bundle = bundleOf(legs, { legTerms: [{ ...plain, after: [1] }, plain] })
    expect(await refusalOf(answer(process().port.sendBundle(bundle)))).toMatchObject({
      error: 'INVALID_REQUEST',
    })
  })
})

describe('conditions (ERC-7796)', () => {
  test('of storage are judged where the leg stands, after earlier legs of the slot', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const legs = [counterLeg(alpha, 0, add), counterLeg(alpha, 1, add)]
    const wrong = bundleOf(legs, { legTerms: [plain, { ...plain, if: countIs(0) }] })
    expect(await refusalOf(answer(port.sendBundle(wrong)))).toMatchObject({
      error: 'CONDITION_FAILED',
      values: { leg: 1, chainId: alpha, actual: word(1) },
    })
    const right = legs.map((leg) => ({
      ...leg,
      ...counterLeg(alpha, leg.nonce, add, { from: other }),
    }))
    const bundle = bundleOf(right, { legTerms: [plain, { ...plain, if: countIs(1) }] })
    const receipt = await answer(port.sendBundle(bundle))
    expect(receipt.results.map(({ status }) => status)).toEqual([1, 1])
  })

  test('that flip by an earlier entry of the same slot leave the leg out', async () => {
    const { answer, process, until } = await startHarness()
    const { port, engine } = process()
    await answer(
      Promise.all([
        port.sendTransaction(counterLeg(alpha, 0, add)),
        port.sendTransaction(counterLeg(alpha, 0, add, { from: other })),
        port.sendTransaction(counterLeg(beta, 0, add, { from: other })),
      ]),
    )
    const busy = port.sendTransaction(counterLeg(beta, 0, add))
    await until(() => engine.state.formation !== undefined)
    const first = port.sendTransaction(counterLeg(alpha, 1, add))
    const legs = [
      counterLeg(alpha, 1, add, { from: other }),
      counterLeg(beta, 1, add, { from: other }),
    ]
    const second = port.sendBundle(
      bundleOf(legs, { legTerms: [{ ...skip, if: countIs(2) }, plain] }),
    )
    const [one, two] = await answer(Promise.all([first, second, busy]))
    expect(one.preconfirmation.slot).toBe(two.preconfirmation.slot)
    expect(two.results.map(({ status }) => status)).toEqual([2, 1])
  })

  test('of the block are judged by its number and time', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const nowS = Math.floor(START_MS / 1000)
    const cases = [
      { blockNumberMax: 1 },
      { blockNumberMin: 1_000_000 },
      { timestampMax: nowS - 100 },
      { timestampMin: nowS + 10_000 },
    ]
    for (const [i, condition] of cases.entries()) {
      const bundle = bundleOf([counterLeg(alpha, 0, [{ do: 'add', value: i }])], {
        conditional: [{ chainId: alpha, ...condition }],
      })
      const told = await refusalOf(answer(port.sendBundle(bundle)))
      expect(told).toMatchObject({ error: 'CONDITION_FAILED', values: { chainId: alpha } })
    }
    const bundle = bundleOf([counterLeg(alpha, 0, [{ do: 'add', value: 99 }])], {
      conditional: [{ chainId: alpha, blockNumberMin: 1, timestampMin: 1, ...countIs(0) }],
    })
    await answer(port.sendBundle(bundle))
  })

  test('about a chain without a leg, or too many, are refused by name', async () => {
    const { answer, process } = await startHarness()
    const legs = [counterLeg(alpha, 0, add)]
    const elsewhere = bundleOf(legs, { conditional: [{ chainId: beta, blockNumberMin: 1 }] })
    expect(await refusalOf(answer(process().port.sendBundle(elsewhere)))).toMatchObject({
      error: 'INVALID_REQUEST',
    })
    const accounts = Array.from(
      { length: LIMITS.slotProbes + 1 },
      () => countIs(0).knownAccounts[0]!,
    )
    const many = bundleOf(legs, { conditional: [{ chainId: alpha, knownAccounts: accounts }] })
    expect(await refusalOf(answer(process().port.sendBundle(many)))).toMatchObject({
      error: 'TOO_LARGE',
    })
  })
})

describe('a named block', () => {
  test('is waited for, and missed for good when it has passed', async () => {
    const { answer, process } = await startHarness()
    const { port, engine } = process()
    const target = (engine.state.heads.get(alpha)?.number ?? 0) + 3
    const bundle = bundleOf([counterLeg(alpha, 0, add)], { blockNumber: target })
    const receipt = await answer(port.sendBundle(bundle))
    expect(receipt.results[0]?.blockNumber).toBe(BigInt(target))
    const late = bundleOf([counterLeg(alpha, 1, add)], { blockNumber: target })
    const far = bundleOf([counterLeg(alpha, 1, add)], { blockNumber: target + 10_000 })
    expect(await refusalOf(answer(port.sendBundle(far)))).toMatchObject({ error: 'NOT_YET' })
    await answer(
      port.sendTransaction(counterLeg(alpha, 0, [{ do: 'look' }], { from: other })).catch(() => 0),
    )
    expect((await refusalOf(answer(port.sendBundle(late)))).error).toMatch(/EXPIRED|LEG_ALONE/)
  })
})

describe('required deliveries', () => {
  const sending = (value: number, recipient: 'counter' | 'strict' = 'counter') =>
    counterLeg(alpha, 0, [{ do: 'send', to: beta, recipient, value }])

  test('that revert fail the bundle; others do not', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const strict = bundleOf([sending(UNLUCKY)], { requireDelivery: [0] })
    expect(await refusalOf(answer(port.sendBundle(strict)))).toMatchObject({
      error: 'LEG_FAILED',
      values: { leg: 0, chainId: beta, reason: expect.stringContaining('delivery') },
    })
    await answer(port.sendBundle(bundleOf([sending(3)], { requireDelivery: [0] })))
  })
})

describe('delivery in the slot', () => {
  const sending = (nonce: number, recipient: 'counter' | 'strict', unpaid: boolean) =>
    counterLeg(alpha, nonce, [{ do: 'send', to: beta, recipient, value: 3, unpaid }])
  const deliveries = (slots: readonly SlotRecord[]) =>
    slots.flatMap(({ chains }) =>
      chains.flatMap(({ legs }) => legs.filter(({ origin }) => origin.type === 'delivery')),
    )

  test('is for who bought it: other messages go by relayer, and the bundle stands', async () => {
    const { answer, process, records } = await startHarness()
    const { port } = process()
    await answer(port.sendBundle(bundleOf([sending(0, 'counter', true)])))
    expect(deliveries(await records())).toHaveLength(0)
    await answer(port.sendBundle(bundleOf([sending(1, 'counter', false)])))
    expect(deliveries(await records())).toHaveLength(1)
  })

  test('that a rollup refuses, its cap reached say, leaves message and bundle to the relayer (V25)', async () => {
    const { answer, process, records } = await startHarness()
    await answer(process().port.sendBundle(bundleOf([sending(0, 'strict', false)])))
    expect(deliveries(await records())).toHaveLength(0)
  })

  test('fails a bundle that requires it and did not buy it', async () => {
    const { answer, process } = await startHarness()
    const bundle = bundleOf([sending(0, 'counter', true)], { requireDelivery: [0] })
    expect(await refusalOf(answer(process().port.sendBundle(bundle)))).toMatchObject({
      error: 'LEG_FAILED',
      values: { chainId: beta, reason: expect.stringContaining('cannot be delivered') },
    })
  })
})

describe('a margin predicate', () => {
  test('cannot be judged where nobody computes margins, and says so', async () => {
    const { answer, process } = await startHarness()
    const account = `0x${'1'.repeat(64)}` as const
    const bundle = bundleOf([counterLeg(alpha, 0, add)], { margin: { account, initialMin18: 0n } })
    expect(await refusalOf(answer(process().port.sendBundle(bundle)))).toMatchObject({
      error: 'MARGIN_UNAVAILABLE',
      values: { account },
    })
  })
})
