import { describe, expect, test } from 'vitest'
import type { Address } from '../../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import { UNLUCKY, type Op } from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  hashesOf,
  refusalOf,
  startHarness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]
const fail: Op[] = [{ do: 'fail' }]
const uuid = '3f2c1c9e-5d0a-4a52-8f6b-0d9b3c1f7a11'

describe('a bundle over three rollups', () => {
  test.each([0, 1, 2])('with leg %i failing changes nothing anywhere (I4)', async (failing) => {
    const { answer, process, settle, visible } = await startHarness()
    const legs = CHAIN_IDS.map((chainId, i) => counterLeg(chainId, 0, i === failing ? fail : add))
    const refusal = await refusalOf(answer(process().port.sendBundle(bundleOf(legs))))
    expect(refusal).toMatchObject({
      error: 'LEG_FAILED',
      values: { leg: failing, chainId: CHAIN_IDS[failing], reason: 'asked to fail' },
    })
    await settle()
    const shown = CHAIN_IDS.flatMap((chainId) => hashesOf(visible(chainId)))
    for (const hash of hashesOf(legs)) expect(shown).not.toContain(hash)
    // Nonces are free again (I7): the same account goes on with nonce 0.
    const again = CHAIN_IDS.map((chainId) => counterLeg(chainId, 0, [{ do: 'add', value: 2 }]))
    const receipt = await answer(process().port.sendBundle(bundleOf(again)))
    expect(receipt.results.map(({ status }) => status)).toEqual([1, 1, 1])
  })

  test('is executed everywhere in one superblock, and its receipt says what it did', async () => {
    const { answer, process, settle, world } = await startHarness()
    const legs = CHAIN_IDS.map((chainId) => counterLeg(chainId, 0, [...add, { do: 'look' }]))
    const receipt = await answer(process().port.sendBundle(bundleOf(legs)))
    await settle()
    const superblock = world.seen.find(({ blocks }) =>
      blocks.some((block) => hashesOf(block.legs).includes(legs[0]!.hash)),
    )
    for (const [i, { chainId, hash }] of legs.entries()) {
      const block = superblock?.blocks.find((item) => item.chainId === chainId)
      const mined = block?.legs.find((leg) => leg.hash === hash)
      expect(mined?.outcome.gasUsed).toBe(receipt.results[i]?.gasUsed)
      expect(BigInt(block?.block.number ?? 0)).toBe(receipt.results[i]?.blockNumber)
    }
  })

  test('that fails leaves the others of its slot alone', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const of = (user: number, ops: Op[]) =>
      bundleOf([alpha, beta].map((id) => counterLeg(id, 0, ops, { from: USERS[user]! })))
    const sent = [of(0, add), of(1, fail), of(2, add), of(3, fail), of(4, add)].map((bundle) =>
      port.sendBundle(bundle).then(
        () => 'stands',
        () => 'refused',
      ),
    )
    expect(await answer(Promise.all(sent))).toEqual([
      'stands',
      'refused',
      'stands',
      'refused',
      'stands',
    ])
  })

  test('stands when a leg that may revert does', async () => {
    const { answer, process } = await startHarness()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, fail)]
    const bundle = { legs, canRevert: [false, true] }
    const receipt = await answer(process().port.sendBundle(bundle))
    expect(receipt.results.map(({ status }) => status)).toEqual([1, 0])
  })
})

describe('messages inside a slot', () => {
  test('arrive before the bundle’s later legs', async () => {
    const { answer, process } = await startHarness()
    const legs = [
      counterLeg(alpha, 0, [{ do: 'send', to: beta, recipient: 'counter', value: 50 }]),
      counterLeg(beta, 0, [{ do: 'failBelow', value: 50 }]),
    ]
    const receipt = await answer(process().port.sendBundle(bundleOf(legs)))
    expect(receipt.results.map(({ status }) => status)).toEqual([1, 1])
  })

  test('are left to the relayer when they revert', async () => {
    const { answer, process, records } = await startHarness()
    const ops: Op[] = [{ do: 'send', to: beta, recipient: 'counter', value: UNLUCKY }]
    await answer(process().port.sendBundle(bundleOf([counterLeg(alpha, 0, ops)])))
    const legs = (await records()).flatMap(({ chains }) => chains.flatMap((chain) => chain.legs))
    expect(legs.some(({ origin }) => origin.type === 'delivery')).toBe(false)
  })

  test('are answered in the same slot, and not for ever', async () => {
    const { answer, process, records } = await startHarness()
    const ops: Op[] = [{ do: 'send', to: beta, recipient: 'counter', value: 950 }]
    await answer(process().port.sendBundle(bundleOf([counterLeg(alpha, 0, ops)])))
    const legs = (await records()).flatMap(({ chains }) => chains.flatMap((chain) => chain.legs))
    const deliveries = legs.filter(({ origin }) => origin.type === 'delivery')
    expect(deliveries.length).toBe(LIMITS.messageDepth)
  })

  test('keep their ids when a bundle before them fails', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const send: Op = { do: 'send', to: beta, recipient: 'counter', value: 50 }
    const first = port.sendBundle(
      bundleOf([
        counterLeg(alpha, 0, [send], { from: USERS[1]! }),
        counterLeg(hub, 0, fail, { from: USERS[1]! }),
      ]),
    )
    const second = port.sendBundle(
      bundleOf([
        counterLeg(alpha, 0, [send]),
        counterLeg(beta, 0, [{ do: 'failBelow', value: 50 }]),
      ]),
    )
    const results = await answer(Promise.allSettled([first, second]))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })
})

describe('an item that a leg hands to a later one on another rollup', () => {
  const hand: Op = { do: 'hand', to: beta, value: 7 }
  const receive: Op = { do: 'receive', from: alpha, value: 7 }

  test('is in the inbox before that leg, in the same slot alone', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const legs = [counterLeg(alpha, 0, [hand]), counterLeg(beta, 0, [receive])]
    const receipt = await answer(port.sendBundle(bundleOf(legs)))
    expect(receipt.results.map(({ status }) => status)).toEqual([1, 1])
    await answer(port.sendTransaction(counterLeg(alpha, 1, [hand])))
    const late = port.sendBundle(bundleOf([counterLeg(beta, 1, [receive])]))
    expect(await refusalOf(answer(late))).toMatchObject({
      error: 'LEG_FAILED',
      values: { reason: 'no such item' },
    })
  })

  test('is another one for every time it is sent', async () => {
    const { answer, process, records } = await startHarness()
    const legs = [counterLeg(alpha, 0, [hand, hand]), counterLeg(beta, 0, [receive])]
    await answer(process().port.sendBundle(bundleOf(legs)))
    const recorded = (await records()).flatMap(({ chains }) => chains.flatMap((c) => c.legs))
    expect(recorded.filter(({ origin }) => origin.type === 'delivery').length).toBe(2)
  })

  test('fails the bundle when its leg failed, did not send it, or the inbox does not take it', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const unlucky: Op[] = [{ ...hand, value: UNLUCKY }]
    for (const [i, ops] of [fail, add, unlucky].entries()) {
      const from = USERS[i]!
      const legs = [
        counterLeg(alpha, 0, ops, { from }),
        counterLeg(beta, 0, [{ ...receive, value: UNLUCKY }], { from }),
      ]
      const told = await refusalOf(answer(port.sendBundle({ legs, canRevert: [true, false] })))
      expect(told).toMatchObject({ error: 'LEG_FAILED', values: { leg: 1 } })
    }
    const named = bundleOf([counterLeg(alpha, 0, unlucky)], { requireDelivery: [0] })
    expect(await refusalOf(answer(port.sendBundle(named)))).toMatchObject({
      values: { leg: 0, reason: 'delivery of its message: unlucky' },
    })
  })
})

describe('no leg goes alone (I21)', () => {
  test('after its bundle failed, also after a restart', async () => {
    const { answer, process, restart } = await startHarness()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, fail)]
    await refusalOf(answer(process().port.sendBundle(bundleOf(legs))))
    const alone = () => refusalOf(answer(process().port.sendTransaction(legs[0]!)))
    expect(await alone()).toMatchObject({ error: 'LEG_ALONE', values: { hash: legs[0]!.hash } })
    await restart()
    expect(await alone()).toMatchObject({ error: 'LEG_ALONE', values: { hash: legs[0]!.hash } })
  })

  test('nor in another bundle or another order', async () => {
    const { answer, process } = await startHarness()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, fail)]
    await refusalOf(answer(process().port.sendBundle(bundleOf(legs))))
    const reordered = process().port.sendBundle(bundleOf(legs.toReversed()))
    expect(await refusalOf(answer(reordered))).toMatchObject({ error: 'LEG_ALONE' })
  })

  test('while the same bundle may be tried again', async () => {
    const { answer, process } = await startHarness()
    const ops: Op[] = [{ do: 'failBelow', value: 5 }]
    const bundle = bundleOf([counterLeg(alpha, 0, ops)])
    await refusalOf(answer(process().port.sendBundle(bundle)))
    const raise = counterLeg(alpha, 0, [{ do: 'add', value: 5 }], { from: USERS[1]! })
    await answer(process().port.sendTransaction(raise))
    const receipt = await answer(process().port.sendBundle(bundle))
    expect(receipt.results[0]?.status).toBe(1)
  })

  test('where its contract guards it: the slot lists its bundles', async () => {
    const { answer, process } = await startHarness()
    const salt = `0x${'5'.repeat(64)}` as const
    const guarded = counterLeg(alpha, 0, [{ do: 'guard', salt }])
    const alone = await answer(process().port.sendTransaction(guarded))
    expect(alone.results[0]?.status).toBe(0)
    const leg = counterLeg(alpha, 1, [{ do: 'guard', salt }])
    const receipt = await answer(process().port.sendBundle(bundleOf([leg], { salt })))
    expect(receipt.results[0]?.status).toBe(1)
  })
})

describe('a bundle with a name', () => {
  const waiting = (nonce: number, value = 1) =>
    bundleOf([counterLeg(alpha, nonce, [{ do: 'add', value }])], { replacementUuid: uuid })

  test('is cancelled for good, also over a restart (I20)', async () => {
    const { answer, process, restart } = await startHarness()
    const sent = process().port.sendBundle(waiting(1))
    const told = refusalOf(sent)
    await answer(process().port.cancelBundle({ owner: USERS[0]!, replacementUuid: uuid }))
    expect(await answer(told)).toMatchObject({ error: 'CANCELLED' })
    await restart()
    const again = process().port.sendBundle(waiting(1))
    expect(await refusalOf(answer(again))).toMatchObject({ error: 'CANCELLED' })
  })

  test('belongs to whoever signed the request for it, over a restart too', async () => {
    const { answer, process, restart } = await startHarness()
    const owner = USERS[4]!
    await answer(process().port.sendBundle({ ...waiting(0), owner }))
    await restart()
    const cancel = (who: Address) =>
      refusalOf(answer(process().port.cancelBundle({ owner: who, replacementUuid: uuid })))
    expect(await cancel(owner)).toMatchObject({ error: 'ALREADY_SEQUENCED' })
    expect(await cancel(USERS[0]!)).toMatchObject({ error: 'UNKNOWN_BUNDLE' })
  })

  test('cannot be cancelled by another sender', async () => {
    const { answer, process } = await startHarness()
    void process()
      .port.sendBundle(waiting(1))
      .catch(() => undefined)
    const foreign = process().port.cancelBundle({ owner: USERS[1]!, replacementUuid: uuid })
    expect(await refusalOf(answer(foreign))).toMatchObject({ error: 'UNKNOWN_BUNDLE' })
  })

  test('cannot be cancelled once it stands, also after a restart', async () => {
    const { answer, process, restart } = await startHarness()
    await answer(process().port.sendBundle(waiting(0)))
    const request = { owner: USERS[0]!, replacementUuid: uuid }
    const cancel = () => refusalOf(answer(process().port.cancelBundle(request)))
    expect(await cancel()).toMatchObject({ error: 'ALREADY_SEQUENCED' })
    await restart()
    expect(await cancel()).toMatchObject({ error: 'ALREADY_SEQUENCED' })
  })

  test('is replaced by its successor, which may use the same legs', async () => {
    const { answer, process } = await startHarness()
    const first = process().port.sendBundle(waiting(1))
    const told = refusalOf(first)
    const legs = [counterLeg(alpha, 0, add), ...waiting(1).legs]
    const successor = bundleOf(legs, { replacementUuid: uuid })
    const receipt = await answer(process().port.sendBundle(successor))
    expect(await answer(told)).toMatchObject({
      error: 'REPLACED',
      values: { bundleHash: receipt.preconfirmation.entryId },
    })
    const late = process().port.sendBundle(waiting(1))
    expect(await refusalOf(answer(late))).toMatchObject({ error: 'REPLACED' })
  })
})
