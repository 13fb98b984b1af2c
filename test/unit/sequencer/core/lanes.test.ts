import { describe, expect, test } from 'vitest'
import { keccak256, stringToHex } from 'viem'
import type { Address, Hash } from '../../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import { receiptDigest } from '../../../../sdk/protocol/receipt-hash.ts'
import type { ForcedInput } from '../../../../sequencer/core/bundles/forced.ts'
import {
  CONTRACT,
  inputOf,
  liquidation,
  reduction,
  type Op,
} from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  refusalOf,
  startHarness,
  type Harness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, logId, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]
const user = (i: number) => USERS[i] as Address
const auction = (chainId: number, nonce: number, input: `0x${string}`, from = user(1)) =>
  counterLeg(chainId, nonce, [], { to: CONTRACT.auction, input, from })

/** Keeps the slot that is being formed busy, so that what comes meanwhile shares the next one. */
async function together<T>(harness: Harness, send: () => Promise<T>[]): Promise<T[]> {
  const { process, answer, until } = harness
  const first = process().port.sendTransaction(counterLeg(hub, 0, add, { from: user(4) }))
  await until(() => process().engine.state.formation !== undefined)
  const sent = send()
  await answer(first)
  return answer(Promise.all(sent))
}

const forced = (
  index: number,
  legs: readonly [number, readonly Op[]][],
  l1Block = 10,
): ForcedInput => ({
  index,
  contentHash: keccak256(stringToHex(`forced ${index}`)),
  l1Block,
  legs: legs.map(([chainId, ops]) => ({
    chainId,
    input: inputOf(ops),
    gas: 200_000n,
    calls: [{ chainId, to: CONTRACT.counter, input: inputOf(ops) }],
  })),
})

const l1 = (number: number, inbox: readonly ForcedInput[]) => ({
  type: 'l1' as const,
  origin: { number, hash: keccak256(stringToHex(`l1 ${number}`)) as Hash },
  forced: inbox,
})

async function known(harness: Harness): Promise<void> {
  const { answer, process } = harness
  const all = USERS.slice(0, 4).flatMap((from) =>
    [alpha, beta].map((chainId) =>
      process().port.sendTransaction(counterLeg(chainId, 0, add, { from })),
    ),
  )
  await answer(Promise.all(all))
}

describe('lanes', () => {
  test('order a slot by what its entries do, whoever came first (I9)', async () => {
    const harness = await startHarness()
    await known(harness)
    const { port } = harness.process()
    await together(harness, () => [
      port.sendBundle(bundleOf([counterLeg(alpha, 1, add)], { backrun: true })),
      port.sendTransaction(counterLeg(alpha, 1, add, { from: user(2) })),
      port.sendTransaction(auction(alpha, 1, reduction(1), user(3))),
      port.sendTransaction(auction(alpha, 1, liquidation(1_000))),
    ])
    const slot = (await harness.records()).find(({ entries }) => entries.length === 4)
    expect(slot?.entries.map(({ lane }) => lane)).toEqual([1, 2, 3, 4])
    expect(slot?.header.laneCounts).toEqual([0, 1, 1, 1, 1])
    const sequences = slot?.entries.map(({ sequence }) => sequence) ?? []
    expect(sequences).toEqual(sequences.toSorted((a, b) => b - a))
  })

  test('are not won by mixing: one regular leg makes a bundle regular', async () => {
    const harness = await startHarness()
    const mixed = [
      auction(alpha, 0, liquidation(1_000)),
      counterLeg(alpha, 1, add, { from: user(1) }),
    ]
    await harness.answer(harness.process().port.sendBundle(bundleOf(mixed)))
    const entries = (await harness.records()).flatMap((record) => record.entries)
    expect(entries[0]?.lane).toBe(3)
  })

  test('demote a liquidation of a healthy account to an entry without effect (I10)', async () => {
    const harness = await startHarness()
    const { answer, process, records, settle, visible, restart } = harness
    await answer(process().port.sendTransaction(counterLeg(alpha, 0, [{ do: 'add', value: 50 }])))
    const leg = auction(alpha, 0, liquidation(10))
    const receipt = await answer(process().port.sendBundle(bundleOf([leg])))
    expect(receipt.voided).toEqual({
      leg: 0,
      reason: expect.stringContaining('not below its line'),
    })
    expect(receipt.results).toEqual([])
    expect(receiptDigest(receipt, logId).fault).toBeUndefined()
    expect(receiptDigest({ ...receipt, voided: undefined }, logId).fault).toBe('results')
    await settle()
    expect(visible(alpha).map(({ hash }) => hash)).not.toContain(leg.hash)
    const entries = (await records()).flatMap((record) => record.entries)
    expect(entries.at(-1)).toMatchObject({ lane: 1, voided: { leg: 0 } })
    await restart()
    expect(await answer(process().port.sendBundle(bundleOf([leg])))).toEqual(receipt)
    // Its nonce is free: nothing of it happened.
    const next = await answer(process().port.sendTransaction(auction(alpha, 0, liquidation(999))))
    expect(next.results[0]?.status).toBe(1)
  })

  test('judge a liquidation where it stands, after what came before it in the slot', async () => {
    const harness = await startHarness()
    await known(harness)
    const { port } = harness.process()
    // The count is 4: the first takes the account above its line only after the second ran.
    const [regular, urgent] = await together(harness, () => [
      port.sendTransaction(counterLeg(alpha, 1, [{ do: 'add', value: 100 }])),
      port.sendTransaction(auction(alpha, 1, liquidation(5))),
    ])
    expect(regular?.preconfirmation.slot).toBe(urgent?.preconfirmation.slot)
    expect(urgent?.voided).toBeUndefined()
  })

  test('bound the work of cancels, carry the rest over first, and never starve lane 3', async () => {
    const harness = await startHarness()
    const { answer, process, records } = harness
    const { port } = process()
    await known(harness)
    const flood = Array.from({ length: 200 }, (_, i) =>
      port.sendTransaction(auction(alpha, 1 + i, reduction(1), user(1))),
    )
    const regular = port.sendTransaction(counterLeg(alpha, 1, add, { from: user(2) }))
    await answer(Promise.all([...flood, regular]))
    for (const { entries } of await records()) {
      expect(entries.filter(({ lane }) => lane === 2).length).toBeLessThanOrEqual(
        LIMITS.slotReduceEntries,
      )
    }
  })
})

describe('what was forced', () => {
  test('stands in the inbox’s order, at the head of its lane, with its verdict (I11, I12)', async () => {
    const harness = await startHarness()
    await known(harness)
    const { process, records, until, settle, visible } = harness
    const { engine, port } = process()
    const [slot] = await together(harness, () => {
      const regular = port.sendTransaction(counterLeg(alpha, 1, add))
      engine.dispatch(
        l1(11, [
          forced(0, [
            [alpha, add],
            [beta, [{ do: 'add', value: 7 }]],
          ]),
          forced(1, [
            [alpha, add],
            [beta, [{ do: 'fail' }]],
          ]),
          forced(2, []),
        ]),
      )
      return [regular]
    })
    await until(() => engine.state.forcedCursor === 3)
    await settle()
    const all = await records()
    const record = all.find(({ header }) => BigInt(header.height) === slot?.preconfirmation.slot)
    expect(record?.entries.map(({ kind }) => kind)).toEqual([3, 3, 3, 1])
    expect(record?.entries.map(({ voided }) => voided !== undefined)).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(record?.header).toMatchObject({ forcedCursor: 3, l1Origin: { number: 11 } })
    const executed = [alpha, beta].map((chainId) => visible(chainId).length)
    // Four transactions of `known`, the standing forced bundle, and on alpha the regular one.
    expect(executed[0]! - executed[1]!).toBe(1)
  })

  test('is given again after a crash and stands once', async () => {
    const harness = await startHarness()
    const { process, restart, until, records } = harness
    const inbox = [forced(0, [[alpha, add]]), forced(1, [[beta, add]])]
    process().engine.dispatch(l1(11, inbox))
    await until(
      () => process().engine.state.durableHeight > 0 && process().engine.state.forcedCursor > 0,
    )
    await restart()
    const { state } = process().engine
    process().engine.dispatch(l1(12, inbox))
    await until(() => state.forcedCursor === 2 && state.durableHeight === state.height)
    const indexes = (await records()).flatMap(({ entries }) =>
      entries.flatMap(({ forced: place }) => (place === undefined ? [] : [place.index])),
    )
    expect(indexes).toEqual([0, 1])
  })

  test('with a hole before it waits, and no slot passes over it (I11)', async () => {
    const harness = await startHarness()
    const { process, until } = harness
    const { state } = process().engine
    process().engine.dispatch(l1(90, [forced(1, [[alpha, add]])]))
    expect(state.l1Head.number).toBe(0)
    process().engine.dispatch(l1(91, [forced(0, [[alpha, add]]), forced(1, [[alpha, add]])]))
    await until(() => state.forcedCursor === 2)
    expect(state.l1Origin.number).toBe(91)
  })
})

describe('whoever fails again and again', () => {
  test('waits: failing bundles of one sender do not fill the slots of others', async () => {
    const harness = await startHarness()
    const { answer, process } = harness
    for (let i = 0; i < LIMITS.failuresPerSender; i++) {
      const bundle = bundleOf([counterLeg(alpha, 0, [{ do: 'fail' }, { do: 'add', value: i }])])
      const told = await refusalOf(answer(process().port.sendBundle(bundle)))
      expect(told.error).toBe('LEG_FAILED')
    }
    const more = bundleOf([counterLeg(alpha, 0, add)])
    expect(await refusalOf(answer(process().port.sendBundle(more)))).toMatchObject({
      error: 'THROTTLED',
      values: { sender: USERS[0], limit: LIMITS.failuresPerSender },
    })
    for (let i = 0; i < LIMITS.failuresPerSender; i++) {
      // The count is never below zero: none of these accounts is below its line.
      const fake = counterLeg(alpha, 0, [], {
        from: user(2),
        to: CONTRACT.auction,
        input: liquidation(0),
        gas: 100_000n + BigInt(i),
      })
      const receipt = await answer(process().port.sendBundle(bundleOf([fake])))
      expect(receipt.voided).toBeDefined()
    }
    const fake = auction(alpha, 0, liquidation(0), user(2))
    expect(await refusalOf(answer(process().port.sendTransaction(fake)))).toMatchObject({
      error: 'THROTTLED',
    })
    const other = bundleOf([counterLeg(alpha, 0, add, { from: user(1) })])
    await answer(process().port.sendBundle(other))
    await answer(process().port.sendTransaction(counterLeg(alpha, 0, add)))
  }, 60_000)
})
