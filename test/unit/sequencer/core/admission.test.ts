import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../../../sdk/protocol/limits.ts'
import { CONTRACT, type Op } from '../../../fixtures/sequencer/chain-double.ts'
import {
  bundleOf,
  counterLeg,
  refusalOf,
  startHarness,
} from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, START_MS, SYSTEM, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub, alpha, beta] = CHAIN_IDS
const add: Op[] = [{ do: 'add', value: 1 }]
const nowS = Math.floor(START_MS / 1000)

describe('what is sent twice', () => {
  test('stands once and has one receipt, also after a restart (I6)', async () => {
    const { answer, process, restart, records } = await startHarness()
    const bundle = bundleOf([counterLeg(alpha, 0, add), counterLeg(beta, 0, add)])
    const both = [process().port.sendBundle(bundle), process().port.sendBundle(bundle)]
    const [first, second] = await answer(Promise.all(both))
    expect(second).toEqual(first)
    expect(await answer(process().port.sendBundle(bundle))).toEqual(first)
    await restart()
    expect(await answer(process().port.sendBundle(bundle))).toEqual(first)
    expect(await answer(process().port.receiptOf(first!.preconfirmation.entryId))).toEqual(first)
    const entries = (await records()).flatMap((record) => record.entries)
    expect(entries.length).toBe(1)
  })
})

describe('nonces (I7)', () => {
  test('that leave a gap wait, and go when the gap is filled', async () => {
    const { answer, process, until } = await startHarness()
    const { port, engine } = process()
    const late = port.sendBundle(bundleOf([counterLeg(alpha, 1, add), counterLeg(beta, 0, add)]))
    await until(() => engine.state.held.size === 1)
    await answer(port.sendTransaction(counterLeg(alpha, 0, add)))
    const receipt = await answer(late)
    expect(receipt.results.map(({ status }) => status)).toEqual([1, 1])
  })

  test('that never close the gap are refused with the expected one', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const bundle = bundleOf([counterLeg(alpha, 2, add)], { maxSlot: 5n })
    expect(await refusalOf(answer(port.sendBundle(bundle)))).toMatchObject({
      error: 'NONCE_GAP',
      values: { nonce: 2, expected: 0, chainId: alpha },
    })
    const far = counterLeg(alpha, LIMITS.nonceWindow + 1, add)
    expect(await refusalOf(answer(port.sendTransaction(far)))).toMatchObject({ error: 'NONCE_GAP' })
  })

  test('that are used are refused with the expected one', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    await answer(port.sendTransaction(counterLeg(alpha, 0, add)))
    const other = counterLeg(alpha, 0, [{ do: 'add', value: 7 }])
    expect(await refusalOf(answer(port.sendTransaction(other)))).toMatchObject({
      error: 'NONCE_TOO_LOW',
      values: { nonce: 0, expected: 1 },
    })
  })

  test('of a race are used once: the first in order wins', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const plain = port.sendTransaction(counterLeg(alpha, 0, add))
    const bundle = port.sendBundle(bundleOf([counterLeg(alpha, 0, [{ do: 'add', value: 9 }])]))
    const [first, second] = await answer(Promise.allSettled([plain, bundle]))
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
  })

  test('count what waits when somebody asks for the pending one', async () => {
    const { answer, process, until } = await startHarness()
    const { port, engine } = process()
    const sender = USERS[0]!
    expect(await answer(port.pendingNonce(alpha, sender))).toBe(0)
    expect(await answer(port.acceptTransaction(counterLeg(alpha, 1, add)))).toBeUndefined()
    await until(() => engine.state.held.size === 1)
    expect(await answer(port.pendingNonce(alpha, sender))).toBe(0)
    await answer(port.sendTransaction(counterLeg(alpha, 0, add)))
    expect(await answer(port.pendingNonce(alpha, sender))).toBe(2)
  })
})

describe('windows', () => {
  test('of slots and times are kept, in the log’s own time (I13)', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const at = (nonce: number, terms: object) =>
      port.sendBundle(bundleOf([counterLeg(alpha, nonce, add)], terms))
    expect(await refusalOf(answer(at(0, { maxSlot: 0n })))).toMatchObject({ error: 'EXPIRED' })
    expect(await refusalOf(answer(at(0, { maxTimestamp: nowS - 10 })))).toMatchObject({
      error: 'EXPIRED',
    })
    expect(await refusalOf(answer(at(0, { minSlot: 10_000n })))).toMatchObject({ error: 'NOT_YET' })
    const early = await answer(at(0, { minSlot: 6n }))
    expect(early.preconfirmation.slot).toBe(6n)
    const timed = await answer(at(1, { minTimestamp: nowS + 30 }))
    expect(timed.preconfirmation.issuedAtMs).toBeGreaterThanOrEqual((nowS + 30) * 1000)
  })
})

describe('funds', () => {
  const coins = 10n ** 15n

  test('that a sender does not have are named', async () => {
    const { answer, process, settle } = await startHarness()
    await settle()
    const leg = counterLeg(alpha, 0, [], { value: coins, to: CONTRACT.counter })
    expect(await refusalOf(answer(process().port.sendTransaction(leg)))).toMatchObject({
      error: 'INSUFFICIENT_FUNDS',
      values: { balance: coins.toString(), cost: (coins + 400_000n).toString() },
    })
  })

  test('are reserved over all legs of a sender', async () => {
    const { answer, process, settle } = await startHarness()
    await settle()
    const half = coins / 2n
    const legs = [0, 1].map((nonce) => counterLeg(alpha, nonce, [], { value: half, to: USERS[1]! }))
    const refusal = await refusalOf(answer(process().port.sendBundle(bundleOf(legs))))
    expect(refusal).toMatchObject({ error: 'INSUFFICIENT_FUNDS' })
  })

  test('that came a moment ago are found when their block is visible', async () => {
    const { answer, process } = await startHarness()
    const { port } = process()
    const stranger = `0x${'7'.repeat(40)}` as const
    const gift = counterLeg(alpha, 0, [], { to: stranger, value: 10n ** 9n, input: '0x' })
    const sent = port.sendTransaction(gift)
    const spent = sent.then(() =>
      port.sendTransaction(counterLeg(alpha, 0, add, { from: stranger })),
    )
    const receipt = await answer(spent)
    expect(receipt.results[0]?.status).toBe(1)
  })
})

describe('what is refused at once', () => {
  test('names the rule and the values', async () => {
    const { answer, process } = await startHarness()
    const refused = (bundle: ReturnType<typeof bundleOf>) =>
      refusalOf(answer(process().port.sendBundle(bundle)))
    expect(await refused(bundleOf([]))).toMatchObject({ error: 'INVALID_REQUEST' })
    const many = Array.from({ length: 17 }, (_, nonce) => counterLeg(alpha, nonce, add))
    expect(await refused(bundleOf(many))).toMatchObject({
      error: 'TOO_LARGE',
      values: { actual: 17, limit: 16 },
    })
    expect(await refused(bundleOf([counterLeg(77, 0, add)]))).toMatchObject({
      error: 'UNKNOWN_CHAIN',
      values: { chainId: 77, known: '901, 902, 903' },
    })
    const twice = counterLeg(hub, 0, add)
    expect(await refused(bundleOf([twice, twice]))).toMatchObject({ error: 'INVALID_REQUEST' })
    const system = counterLeg(hub, 0, add, { from: SYSTEM })
    expect(await refused(bundleOf([system]))).toMatchObject({ error: 'UNSUPPORTED' })
    const hungry = counterLeg(hub, 0, add, { gas: BigInt(LIMITS.legGas) + 1n })
    expect(await refused(bundleOf([hungry]))).toMatchObject({ error: 'GAS_LIMIT' })
  })

  test('is one sender’s flood of waiting bundles', async () => {
    const { answer, process, until } = await startHarness()
    const { port, engine } = process()
    const flood = Array.from({ length: LIMITS.heldBundlesPerSender + 1 }, (_, i) =>
      port.sendBundle(bundleOf([counterLeg(alpha, 5 + i, add)])),
    )
    const last = refusalOf(flood.at(-1)!)
    for (const sent of flood) sent.catch(() => undefined)
    await until(() => engine.state.held.size === LIMITS.heldBundlesPerSender)
    expect(await answer(last)).toMatchObject({ error: 'TOO_MANY_HELD' })
  })
})

describe('a preview', () => {
  test('tells what a bundle would do and changes nothing', async () => {
    const { answer, process, settle } = await startHarness()
    await settle()
    const { port, engine } = process()
    const legs = [
      counterLeg(alpha, 0, [{ do: 'send', to: beta, recipient: 'counter', value: 4 }]),
      counterLeg(beta, 0, [{ do: 'failBelow', value: 4 }]),
    ]
    const before = engine.state.accounts.size
    const preview = await answer(port.callBundle(bundleOf(legs)))
    expect(preview.outcomes.map(({ status }) => status)).toEqual([1, 1])
    expect(preview.deliveries).toBe(1)
    expect(preview.refusal).toBeUndefined()
    expect(engine.state.pending.size).toBe(0)
    expect(engine.state.memory.owners.size).toBe(0)
    expect(engine.state.accounts.size).toBeLessThanOrEqual(before + 2)
    const receipt = await answer(port.sendBundle(bundleOf(legs)))
    expect(receipt.results.map(({ gasUsed }) => gasUsed)).toEqual(
      preview.outcomes.map(({ gasUsed }) => gasUsed),
    )
  })

  test('tells why a bundle would be refused', async () => {
    const { answer, process } = await startHarness()
    const legs = [counterLeg(alpha, 0, add), counterLeg(beta, 0, [{ do: 'fail' }])]
    const preview = await answer(process().port.callBundle(bundleOf(legs)))
    expect(preview.refusal?.code).toBe('LEG_FAILED')
    expect(preview.outcomes.map(({ status }) => status)).toEqual([1, 0])
    const gap = await answer(process().port.callBundle(bundleOf([counterLeg(hub, 3, add)])))
    expect(gap.refusal?.code).toBe('NONCE_GAP')
  })
})
