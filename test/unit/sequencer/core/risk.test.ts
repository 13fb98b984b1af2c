import { describe, expect, test } from 'vitest'
import { ENTRY_KIND } from '../../../../sdk/protocol/entry.ts'
import { accountId } from '../../../../sdk/protocol/ids.ts'
import type { Address, Hex } from '../../../../sdk/protocol/hex.ts'
import type { SignedReceipt } from '../../../../sdk/protocol/receipt.ts'
import { slotHash, type SlotRecord } from '../../../../sdk/protocol/slot.ts'
import type { CoreEvent } from '../../../../sequencer/core/input.ts'
import { faultOfSlot } from '../../../../sequencer/core/slots/validity.ts'
import { sendOwn } from '../../../../sequencer/shell/engine/own-entries.ts'
import { liquidation } from '../../../fixtures/sequencer/chain-double.ts'
import { counterLeg, refusalOf, startHarness } from '../../../fixtures/sequencer/harness.ts'
import { CHAIN_IDS, CONFIG, USERS } from '../../../fixtures/sequencer/world.ts'

const [hub] = CHAIN_IDS
const account = accountId(USERS[1] as Address)

type Harness = Awaited<ReturnType<typeof startHarness>>
type Own = Extract<CoreEvent, { type: 'risk' | 'liquidation' }>

const own = ({ process }: Harness, event: Omit<Own, 'requestId'>): Promise<SignedReceipt> =>
  sendOwn(process().engine, (requestId) => ({ ...event, requestId }) as Own)

const version = (harness: Harness, marksSeq: bigint, paramsVersion = 1) =>
  own(harness, { type: 'risk', risk: { marksSeq, paramsVersion } } as Own)

const start = (harness: Harness, calldata: Hex, marksSeq = 1n) => {
  const risk = { marksSeq, paramsVersion: 1 }
  const input = { account, step: 'start' as const, risk, calldata, validUntilSlot: 900 }
  return own(harness, { type: 'liquidation', start: input } as Own)
}

const mark = ({ process }: Harness, sequence: bigint): Promise<SignedReceipt> =>
  sendOwn(process().engine, (requestId) => ({
    type: 'marks',
    requestId,
    marks: { underlying: 1, sequence, calldata: `0x${sequence.toString(16).padStart(2, '0')}` },
  }))

const ruleOf = (previous: SlotRecord | undefined, record: SlotRecord) =>
  faultOfSlot(CONFIG, record, { previous, callOf: () => ({ input: '0x' }) })?.rule ?? 'none'

describe('a risk version', () => {
  test('takes effect by its entry alone, after marks and before everything else', async () => {
    const harness = await startHarness()
    const { answer, process, records, until } = harness
    await answer(mark(harness, 1n))
    expect(process().engine.state.risk).toEqual({ marksSeq: 0n, paramsVersion: 0 })
    const busy = process().port.sendTransaction(counterLeg(hub, 0, []))
    await until(() => process().engine.state.formation !== undefined)
    const waiting = [
      busy,
      process().port.sendTransaction(counterLeg(hub, 0, [], { from: USERS[2] as Address })),
      version(harness, 1n),
      mark(harness, 2n),
    ]
    await answer(Promise.all(waiting))
    const all = await records()
    const slot = all.find(({ entries }) => entries.some(({ risk }) => risk !== undefined))!
    expect(slot.entries.map(({ marks, risk }) => marks?.sequence ?? risk?.marksSeq)).toEqual([
      2n,
      1n,
      undefined,
    ])
    expect(slot.header).toMatchObject({ marksSeq: 2n, risk: { marksSeq: 1n, paramsVersion: 1 } })
    await harness.restart()
    expect(harness.process().engine.state.risk).toEqual({ marksSeq: 1n, paramsVersion: 1 })
  })

  test('only goes forward, and names marks that stand in the log', async () => {
    const harness = await startHarness()
    const { answer } = harness
    for (const sequence of [1n, 2n, 3n]) await answer(mark(harness, sequence))
    await answer(version(harness, 2n))
    expect(await refusalOf(answer(version(harness, 2n)))).toMatchObject({
      error: 'STALE_SEQUENCE',
      values: { sequence: '2/1', current: '2/1' },
    })
    expect(await refusalOf(answer(version(harness, 1n)))).toMatchObject({ error: 'STALE_SEQUENCE' })
    expect(await refusalOf(answer(version(harness, 3n, 0)))).toMatchObject({
      error: 'STALE_SEQUENCE',
    })
    expect(await refusalOf(answer(version(harness, 4n)))).toMatchObject({
      error: 'INVALID_REQUEST',
    })
  })

  test('that waits gives way to a newer one', async () => {
    const harness = await startHarness()
    const { answer, process, records, until } = harness
    for (const sequence of [1n, 2n]) await answer(mark(harness, sequence))
    const busy = process().port.sendTransaction(counterLeg(hub, 0, []))
    await until(() => process().engine.state.formation !== undefined)
    const [older, newer] = [refusalOf(version(harness, 1n)), version(harness, 2n)]
    await answer(Promise.all([busy, newer]))
    expect(await older).toMatchObject({ error: 'REPLACED' })
    const versions = (await records()).flatMap(({ entries }) =>
      entries.flatMap((e) => e.risk ?? []),
    )
    expect(versions).toEqual([{ marksSeq: 2n, paramsVersion: 1 }])
  })

  test('that breaks a rule makes its slot invalid for every follower', async () => {
    const harness = await startHarness()
    const { answer, records } = harness
    await answer(mark(harness, 1n))
    await answer(version(harness, 1n))
    const all = await records()
    const at = all.findIndex(({ entries }) => entries.some(({ risk }) => risk !== undefined))
    const [previous, slot] = [all[at - 1], all[at] as SlotRecord]
    expect(ruleOf(previous, slot)).toBe('none')
    const changed = (header: Partial<SlotRecord['header']>) => ({
      ...slot,
      header: { ...slot.header, ...header },
    })
    expect(ruleOf(previous, changed({ marksSeq: 0n }))).toContain('stand in the log')
    expect(ruleOf(previous, changed({ risk: { marksSeq: 0n, paramsVersion: 0 } }))).toContain(
      'in force',
    )
    const back = {
      ...previous,
      header: { ...previous!.header, risk: { marksSeq: 1n, paramsVersion: 1 } },
    } as SlotRecord
    const linked = changed({ parentHash: slotHash(CONFIG.logId, back.header) })
    expect(ruleOf(back, linked)).toContain('only go forward')
    const legs = { ...slot, entries: slot.entries.map((e) => ({ ...e, canRevert: [true] })) }
    expect(ruleOf(previous, legs)).toContain('without legs')
  })
})

describe('the start of a liquidation', () => {
  test('stands in lane 1 as the system’s own, once, and is void where it does not hold', async () => {
    const harness = await startHarness()
    const { answer, process, records, until } = harness
    const busy = process().port.sendTransaction(counterLeg(hub, 0, []))
    await until(() => process().engine.state.formation !== undefined)
    const regular = process().port.sendTransaction(
      counterLeg(hub, 0, [], { from: USERS[2] as Address }),
    )
    const first = start(harness, liquidation(5))
    const second = refusalOf(start(harness, liquidation(5), 2n))
    await answer(Promise.all([busy, regular, first]))
    expect(await second).toMatchObject({ error: 'REPLACED' })
    const slot = (await records()).find(({ header }) => header.laneCounts[1] === 1)!
    expect(slot.entries.map(({ lane }) => lane).slice(0, 2)).toEqual([1, 3])
    expect(slot.entries[0]?.kind).toBe(ENTRY_KIND.system)
    expect((await first).voided).toBeUndefined()
    expect((await answer(start(harness, liquidation(5)))).preconfirmation).toEqual(
      (await first).preconfirmation,
    )
    const nothing = await answer(start(harness, liquidation(0), 2n))
    expect(nothing.voided?.reason).toContain('LEG_FAILED')
  })
})
