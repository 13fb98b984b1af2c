import { describe, expect, test } from 'vitest'
import type { Address, Hash } from '../../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import { accountId } from '../../../../sdk/protocol/ids.ts'
import { jointKey, bundleKey } from '../../../../sequencer/core/slots/system-calls.ts'
import { CONTRACT, UNLUCKY, type Op } from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  hashesOf,
  refusalOf,
  startHarness,
  type Harness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, CONFIG, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]

async function sendMarks(harness: Harness, underlying: number, sequence: bigint) {
  const { engine } = harness.process()
  let done: unknown
  const requestId = engine.answers.wait({
    receipt: (receipt) => (done = receipt),
    reject: (error) => (done = error),
  })
  const calldata = `0x${sequence.toString(16).padStart(64, '0')}` as const
  engine.dispatch({ type: 'marks', requestId, marks: { underlying, sequence, calldata } })
  await harness.until(() => done !== undefined)
  return done
}

describe('clocks of the rollups', () => {
  test('move once a second without traffic, and one block is enough', async () => {
    const { process, until, world, settle } = await startHarness()
    const { engine } = process()
    const startedMs = engine.state.elapsedMs
    await until(() => engine.state.elapsedMs >= startedMs + 10_500)
    await settle()
    for (const chainId of CHAIN_IDS) {
      const blocks = world.seen.flatMap(({ blocks: all }) =>
        all.filter((b) => b.chainId === chainId),
      )
      expect(blocks.length).toBeGreaterThanOrEqual(10)
      expect(blocks.length).toBeLessThanOrEqual(13)
    }
  })

  test('a rollup that nobody touched has no block in a superblock', async () => {
    const { answer, process, settle, world } = await startHarness()
    for (let nonce = 0; nonce < 10; nonce++) {
      await answer(process().port.sendTransaction(counterLeg(alpha, nonce, add)))
      await settle()
    }
    const alone = world.seen.filter(({ blocks }) => blocks.length === 1)
    expect(alone.length).toBeGreaterThan(0)
    expect(alone.every(({ blocks }) => blocks[0]?.chainId === alpha)).toBe(true)
  })
})

describe('a clock that jumps', () => {
  test.each([-3_600_000, 3_600_000])(
    'by %i ms stops nothing, and slot time only grows (I13)',
    async (jump) => {
      const { answer, process, records, settle, world } = await startHarness()
      await answer(process().port.sendTransaction(counterLeg(alpha, 0, add)))
      world.scheduler.jump(jump)
      const before = world.scheduler.clock.elapsedMs()
      for (let nonce = 1; nonce < 5; nonce++) {
        await answer(process().port.sendTransaction(counterLeg(alpha, nonce, add)))
      }
      await settle()
      expect(world.scheduler.clock.elapsedMs() - before).toBeLessThan(20_000)
      const slots = await records()
      const times = slots.map(({ header }) => header.timestampMs)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(new Set(times).size).toBe(times.length)
      const seconds = slots.flatMap(({ chains }) => chains.map(({ env }) => env.timestampS))
      expect(seconds).toEqual(seconds.toSorted((a, b) => a - b))
    },
  )
})

describe('marks', () => {
  test('come first in their slot, on every rollup, and only forward', async () => {
    const harness = await startHarness()
    const { answer, process, records } = harness
    const trade = process().port.sendTransaction(counterLeg(alpha, 0, add))
    const marked = await sendMarks(harness, 1, 5n)
    await answer(trade)
    expect(marked).toMatchObject({ results: CHAIN_IDS.map((chainId) => ({ chainId, status: 1 })) })
    const slot = (await records()).find(({ entries }) => entries.some((entry) => entry.marks))
    expect(slot?.header.marksSeq).toBe(1n)
    expect(slot?.entries[0]?.marks).toEqual({ underlying: 1, sequence: 5n })
    for (const { legs } of slot?.chains ?? []) {
      expect(legs.slice(0, 2).map(({ origin }) => origin)).toEqual([
        { type: 'open' },
        expect.objectContaining({ type: 'entry', entry: 0 }),
      ])
    }
    // The account is known by now and a slot is being formed: both wait for the next one.
    const waiting = [1, 2].map((nonce) =>
      process().port.sendTransaction(counterLeg(alpha, nonce, add)),
    )
    await sendMarks(harness, 1, 6n)
    await answer(Promise.all(waiting))
    for (const { entries } of await records()) {
      const lanes = entries.map(({ lane }) => lane)
      expect(lanes).toEqual(lanes.toSorted((a, b) => a - b))
    }
    const again = await sendMarks(harness, 1, 4n)
    expect(again).toMatchObject({ code: 'STALE_SEQUENCE', values: { sequence: '4', current: '6' } })
    await harness.restart()
    expect(await sendMarks(harness, 1, 6n)).toMatchObject({
      preconfirmation: { slot: expect.anything() },
    })
    expect(await sendMarks(harness, 1, 3n)).toMatchObject({ code: 'STALE_SEQUENCE' })
  })
})

describe('a joint bundle', () => {
  const salt: Hash = `0x${'9'.repeat(64)}`
  const owner = USERS[0] as Address
  const account = accountId(owner)
  const check = (nonce: number, of = account) =>
    counterLeg(hub, nonce, [], {
      to: CONTRACT.credit,
      input: `${CONFIG.checkAfterSelector}${of.slice(2)}`,
    })
  const openInput = async (harness: Harness, chainId: number) => {
    const slots = await harness.records()
    const chain = slots.findLast(({ entries }) => entries.length > 0)?.chains
    return chain?.find((item) => item.chainId === chainId)?.legs[0]?.rawTx ?? '0x'
  }

  test('is listed where the hub checks the account at its end', async () => {
    const harness = await startHarness()
    const legs = [counterLeg(alpha, 0, add), check(0)]
    await harness.answer(harness.process().port.sendBundle(bundleOf(legs, { salt })))
    const input = await openInput(harness, alpha)
    expect(input).toContain(jointKey(owner, salt, account).slice(2))
    expect(input).toContain(bundleKey(owner, salt).slice(2))
    expect(await openInput(harness, hub)).toContain(jointKey(owner, salt, account).slice(2))
  })

  test.each([
    ['before another rollup’s leg', [check(0), counterLeg(alpha, 0, add)], [false, false]],
    ['where it may revert', [counterLeg(alpha, 0, add), check(0)], [false, true]],
    [
      'for somebody else’s account',
      [counterLeg(alpha, 0, add), check(0, accountId(USERS[1] as Address))],
      [false, false],
    ],
  ])('is not listed when the check stands %s', async (_where, legs, canRevert) => {
    const harness = await startHarness()
    await harness.answer(harness.process().port.sendBundle({ legs, canRevert, salt }))
    const input = await openInput(harness, alpha)
    expect(input).toContain(bundleKey(owner, salt).slice(2))
    expect(input).not.toContain(jointKey(owner, salt, account).slice(2))
  })

  test('fails as a whole when a credit message cannot be delivered', async () => {
    const harness = await startHarness()
    const send: Op = { do: 'send', to: hub, recipient: 'credit', value: UNLUCKY }
    const legs = [counterLeg(alpha, 0, [send]), check(0)]
    const sent = harness.process().port.sendBundle(bundleOf(legs, { salt }))
    const refusal = await refusalOf(harness.answer(sent))
    expect(refusal).toMatchObject({ error: 'LEG_FAILED', values: { leg: 0, chainId: hub } })
    expect(refusal.values['reason']).toContain('unlucky')
  })
})

describe('a block that does something else than was promised', () => {
  test('is made again before anybody saw it', async () => {
    const { answer, process, settle, visible, world } = await startHarness()
    await settle()
    world.machines.get(beta)!.differsOnce = true
    const legs = CHAIN_IDS.map((chainId) => counterLeg(chainId, 0, add))
    await answer(process().port.sendBundle(bundleOf(legs)))
    await settle()
    expect(world.events.filter(({ type }) => type === 'difference').length).toBe(1)
    expect(process().port.status().stopped).toEqual([])
    for (const [i, chainId] of CHAIN_IDS.entries()) {
      expect(hashesOf(visible(chainId))).toContain(legs[i]!.hash)
    }
  })

  test('stops its rollup when it stays; the others go on, also after a restart', async () => {
    const { answer, process, restart, settle, until, world } = await startHarness()
    await settle()
    world.machines.get(beta)!.differsAlways = true
    await answer(process().port.sendTransaction(counterLeg(beta, 0, add)))
    await until(() => process().port.status().stopped.length > 0)
    await settle()
    const reason = 'leg 0 of the block differs in gasUsed: promised 1, mined 2'
    const refused = async () =>
      refusalOf(
        answer(
          process().port.sendBundle(
            bundleOf([counterLeg(alpha, 5, add), counterLeg(beta, 5, add)]),
          ),
        ),
      )
    const expected = { error: 'CHAIN_STOPPED', values: { chainId: beta, reason } }
    expect(await refused()).toMatchObject(expected)
    await answer(process().port.sendTransaction(counterLeg(alpha, 0, add)))
    await settle()
    await restart()
    expect(process().port.status().stopped).toEqual([{ chainId: beta, reason }])
    expect(await refused()).toMatchObject(expected)
    await answer(process().port.sendTransaction(counterLeg(hub, 0, add)))
  })
})

describe('a node that dies', () => {
  test('comes back with its blocks, and nobody notices', async () => {
    const { answer, process, settle, visible, world } = await startHarness()
    for (let nonce = 0; nonce < 12; nonce++) {
      if (nonce % 3 === 0) world.machines.get(alpha)!.node = undefined
      const legs = [counterLeg(alpha, nonce, add), counterLeg(beta, nonce, add)]
      await answer(process().port.sendBundle(bundleOf(legs)))
    }
    await settle()
    expect(world.events.filter(({ type }) => type === 'nodeRestored').length).toBeGreaterThan(0)
    for (const chainId of [alpha, beta]) {
      const counted = visible(chainId).filter(({ hash }) =>
        Array.from({ length: 12 }, (_, nonce) => counterLeg(chainId, nonce, add).hash).includes(
          hash,
        ),
      )
      expect(counted.length).toBe(12)
    }
  })
})

describe('nodes that die after they mined and before anybody saw it', () => {
  test.each(['publishing', 'sealing'] as const)(
    'while the superblock is %s come back with the block (failure 2)',
    async (phase) => {
      const { answer, process, settle, until, visible, world } = await startHarness()
      const { port, engine } = process()
      const legs = CHAIN_IDS.map((chainId) => counterLeg(chainId, 0, add))
      await answer(port.sendBundle(bundleOf(legs)))
      await until(() => engine.state.superblock.phase === phase)
      for (const machine of world.machines.values()) machine.node = undefined
      await settle()
      for (const [i, chainId] of CHAIN_IDS.entries()) {
        expect(hashesOf(visible(chainId))).toContain(legs[i]!.hash)
      }
      await answer(port.sendTransaction(counterLeg(alpha, 1, add)))
    },
  )
})

describe('a sequencer that is stopped', () => {
  test('starts no node again, whatever was under way', async () => {
    const { process, world } = await startHarness()
    const { port, engine } = process()
    for (let nonce = 0; nonce < 6; nonce++) {
      const legs = [counterLeg(alpha, nonce, add), counterLeg(beta, nonce, add)]
      port.sendBundle(bundleOf(legs)).catch(() => undefined)
      await world.scheduler.step()
    }
    const stopped = engine.stop()
    for (let i = 0; i < 2_000; i++) await world.scheduler.step()
    await stopped
    expect([...world.machines.values()].map(({ node }) => node)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(world.failures).toEqual([])
    await expect(port.sendTransaction(counterLeg(hub, 0, add))).rejects.toMatchObject({
      code: 'NOT_READY',
    })
  })
})

describe('more than one slot holds', () => {
  test('moves on whole, in order', async () => {
    const { answer, process, records } = await startHarness()
    const { port } = process()
    const count = LIMITS.slotBundles + 20
    const sent = Array.from({ length: count }, (_, nonce) =>
      port.sendTransaction(counterLeg(alpha, nonce, add)),
    )
    await answer(Promise.all(sent))
    const slots = (await records()).filter(({ entries }) => entries.length > 0)
    expect(slots.every(({ entries }) => entries.length <= LIMITS.slotBundles)).toBe(true)
    const order = slots.flatMap(({ chains }) =>
      chains.flatMap(({ legs }) => legs.filter((leg) => leg.origin.type === 'entry')),
    )
    expect(hashesOf(order)).toEqual(
      Array.from({ length: count }, (_, nonce) => counterLeg(alpha, nonce, add).hash),
    )
  })

  test('by gas moves on: a leg’s whole limit fits what its block has left (failure 17)', async () => {
    const { answer, process, records } = await startHarness()
    const { port } = process()
    const hungry = Array.from({ length: 12 }, (_, nonce) =>
      counterLeg(alpha, nonce, add, { gas: BigInt(LIMITS.legGas) }),
    )
    await answer(Promise.all(hungry.map((leg) => port.sendTransaction(leg))))
    const slots = (await records()).filter(({ entries }) => entries.length > 0)
    expect(slots.length).toBeGreaterThan(1)
    for (const { entries } of slots) {
      expect(entries.length * LIMITS.legGas).toBeLessThanOrEqual(1_000_000_000)
    }
  })

  test('by keys moves on: more than SlotContext lists would stop every rollup (failure 13)', async () => {
    const { answer, process, records } = await startHarness()
    const { port } = process()
    const salt = `0x${'5a'.repeat(32)}` as const
    const count = Math.ceil((LIMITS.slotKeys + 1) / USERS.length)
    expect(count).toBeLessThan(LIMITS.slotBundles)
    const sent = Array.from({ length: count }, (_, nonce) => {
      const legs = USERS.map((from) => counterLeg(alpha, nonce, add, { from }))
      return port.sendBundle(bundleOf(legs, { salt }))
    })
    await answer(Promise.all(sent))
    const slots = (await records()).filter(({ entries }) => entries.length > 0)
    expect(slots.length).toBeGreaterThan(1)
    for (const { entries } of slots) {
      expect(entries.length * USERS.length).toBeLessThanOrEqual(LIMITS.slotKeys)
    }
  })
})
